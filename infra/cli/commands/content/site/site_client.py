"""Reads a site's content and sends events, by HTTP alone: so it works from any machine."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from infra.errors import VerdictsError
from infra.settings import Settings
from infra.supervisor.data_folder import DataFolder
from schemas.records import Category, Reviewer, Tool
from streams.content_files.push_events import PushEvent
from streams.content_files.site_content import SiteRecords

SECONDS = 60.0
_PAGE = 200
_BATCH, _BATCH_BYTES = 500, 900_000
_WAIT_SECONDS = 30
_ATTEMPTS = 20
_BUSY = {429, 503}
T = TypeVar("T")


class SiteClient:
    """Talks to one site.

    Args:
        http: With the site's address; closed by its owner.
        sleep: Waits some seconds between attempts.
    """

    def __init__(self, http: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._sleep = sleep

    @property
    def url(self) -> str:
        """The site's address, without a slash at its end."""
        return str(self._http.base_url).rstrip("/")

    def read(self) -> SiteRecords:
        """The records of all categories, reviewers and tools on the site.

        Raises:
            VerdictsError: The site does not answer as Verdicts does.
        """
        return SiteRecords(
            categories=list(self._read_all("/v1/categories", Category)),
            reviewers=list(self._read_all("/v1/reviewers", Reviewer)),
            tools=list(self._read_all("/v1/tools", Tool)),
        )

    def send(self, events: Sequence[PushEvent], *, dry_run: bool = False) -> list[dict[str, Any]]:
        """Send events in their order, and wait until the projections have applied them.

        Returns:
            The results of `POST /v1/events`, one per event, rejected ones included.
        """
        results: list[dict[str, Any]] = []
        for batch in _batches(events):
            results += self._send_batch(batch, dry_run=dry_run)
        return results

    def get(self, path: str) -> httpx.Response:
        """The response for a page; redirects are not followed."""
        return self._request("GET", path)

    def _read_all(self, path: str, record: type[T]) -> Iterator[T]:
        address = f"{path}?limit={_PAGE}"
        while address:
            answer = self._request("GET", address)
            if answer.status_code != 200:
                raise VerdictsError(
                    f"{self.url} answers {path} with status {answer.status_code}; "
                    "is that the address of a Verdicts site?"
                )
            try:
                yield from _records(answer, record)
            except (msgspec.MsgspecError, KeyError):
                raise VerdictsError(
                    f"{self.url} does not answer {path} as Verdicts does; is the address right, "
                    "and does it run the same release?"
                ) from None
            following = answer.links.get("next", {}).get("url", "")
            address = httpx.URL(following).raw_path.decode() if following else ""

    def _send_batch(self, batch: Sequence[PushEvent], *, dry_run: bool) -> list[dict[str, Any]]:
        answer = self._request(
            "POST",
            "/v1/events?dry_run=1" if dry_run else "/v1/events",
            content=msgspec.json.encode([event.to_json() for event in batch]),
            headers={"Content-Type": "application/json", "Prefer": f"wait={_WAIT_SECONDS}"},
        )
        results = _results(answer)
        if results is None or len(results) != len(batch):
            raise VerdictsError(f"{self.url} refuses the events: {_reason(answer)}")
        return results

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response; a busy or restarting site gets time, since repeating is harmless."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(min(0.2 * 2**attempt, 5.0))
            try:
                answer = self._http.request(method, path, **options)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise VerdictsError(f"{self.url} is no address of a site: {error}.") from None
            except httpx.TransportError as error:
                if attempt >= 3:
                    reason = str(error) or type(error).__name__
                    break
                continue
            if answer.status_code not in _BUSY:
                return answer
            reason = f"status {answer.status_code}"
        raise VerdictsError(f"{self.url} does not answer ({reason}); try again once it does.")


def open_site(settings: Settings, url: str | None, token: str | None) -> SiteClient:
    """A client for the named site, or for the one that runs on the data folder.

    Raises:
        VerdictsError: No address is given, and nothing runs here.
    """
    folder = settings.data
    run = DataFolder(folder).read_run() if url is None and folder.exists() else None
    if url is None and run is None:
        raise VerdictsError(
            f"Nothing runs on {folder}; name the site with --url, such as https://example.org."
        )
    address = url or (run.url if run else "")
    if token is None and run is not None:
        token = _read_token(folder)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return SiteClient(httpx.Client(base_url=address, headers=headers, timeout=SECONDS))
    except httpx.InvalidURL as error:
        raise VerdictsError(f"{address!r} is no address of a site: {error}.") from None


def _read_token(folder: Path) -> str | None:
    try:
        return DataFolder(folder).token_file.read_text().strip()
    except OSError:
        return None


def _records(answer: httpx.Response, record: type[T]) -> list[T]:
    items = msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw])["items"]
    return msgspec.json.decode(items, type=list[record])  # type: ignore[valid-type]


def _batches(events: Sequence[PushEvent]) -> Iterator[list[PushEvent]]:
    batch: list[PushEvent] = []
    size = 0
    for event in events:
        length = len(msgspec.json.encode(event.to_json())) + 1
        if batch and (len(batch) == _BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += length
    if batch:
        yield batch


def _results(answer: httpx.Response) -> list[dict[str, Any]] | None:
    try:
        results = answer.json()["results"]
    except (ValueError, KeyError, TypeError):
        return None
    return results if isinstance(results, list) else None


def _reason(answer: httpx.Response) -> str:
    if answer.status_code == 401:
        return "it needs a token with the role editor; give it in VERDICTS_TOKEN."
    try:
        problem = answer.json()
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return f"status {answer.status_code}."
