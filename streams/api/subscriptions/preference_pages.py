"""`/subscriptions/`: preferences, pause, export, erasure; whoever has the link is the owner."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from projections.private.subscribers.addresses import show_address
from projections.private.subscribers.links import SubscriptionLinks
from projections.private.subscribers.preferences import (
    MAX_PAUSE_DAYS,
    PreferenceError,
    Preferences,
    check_frequency,
    check_pause,
    check_timezone,
    check_topics,
    places_of_time_zones,
)
from projections.private.subscribers.subscriptions import (
    Subscriber,
    erase,
    find_subscriber,
    resubscribe,
    save_preferences,
    unsubscribe,
)
from projections.read.categories import list_categories
from schemas.records import Category
from streams.api.forms import Form, read_form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.http.responses import JSON
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel

NOTICES = {
    "confirmed": "You are subscribed.",
    "again": "You confirmed this before; your preferences are as you left them.",
    "saved": "Your preferences are saved.",
    "unsubscribed": "You are unsubscribed.",
    "resubscribed": "You are subscribed again.",
}
SUPPRESSED = {
    "bounce": "mails to it were returned",
    "complaint": "one of our mails was reported as spam",
    "operator": "the operator of this site said so",
}
_TITLE = "Your subscription"


class PreferencePages:
    """Answers both methods.

    Args:
        links: Reads and issues links.
        private: Runs transactions.
        read_model: Knows the categories.
        pages: Renders pages.
        clock: Microseconds since 1970.
    """

    def __init__(
        self,
        links: SubscriptionLinks,
        private: PrivateStore,
        read_model: ReadModel,
        pages: PageRenderer,
        clock: Callable[[], int],
    ) -> None:
        self._links = links
        self._private = private
        self._read_model = read_model
        self._pages = pages
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Show the preferences on GET and HEAD; do what the pressed button says on POST."""
        if request.method == "POST":
            return await self._act(request)
        token = request.query_params.get("token", "")
        if not token:
            return site_page(self._pages("subscriptions/link.html", _TITLE, {}))
        subscriber = await self._find(self._read_token(token))
        notice = NOTICES.get(request.query_params.get("done", ""), "")
        return await self._show(subscriber, token, notice=notice)

    async def _act(self, request: Request) -> Response:
        form = await read_form(request.receive, fields_of(request.scope))
        subscriber_id, token = self._read_token(form.get("token")), form.get("token")
        match form.get("action") or "save":
            case "save":
                return await self._save(subscriber_id, token, form)
            case "unsubscribe":
                now = self._now()
                await self._private.run(unsubscribe, subscriber_id, "preferences", now)
                return _back(token, "unsubscribed")
            case "resubscribe":
                await self._private.run(resubscribe, subscriber_id)
                return _back(token, "resubscribed")
            case "export":
                return export(await self._find(subscriber_id))
            case "erase":
                await self._private.run(erase, subscriber_id, "preferences", self._now())
                return site_page(self._pages("subscriptions/erased.html", "Erased", {}))
        raise Problem(422, "Choose what to do: save, unsubscribe, resubscribe, export or erase.")

    async def _save(self, subscriber_id: str, token: str, form: Form) -> Response:
        subscriber = await self._find(subscriber_id)
        categories = await self._read_model.run(list_categories)
        try:
            preferences = self._read_preferences(form, subscriber, categories)
        except PreferenceError as error:
            return await self._show(subscriber, token, error=error, form=form, status=422)
        await self._private.run(save_preferences, subscriber_id, preferences)
        return _back(token, "saved")

    def _read_preferences(
        self, form: Form, subscriber: Subscriber, categories: list[Category]
    ) -> Preferences:
        """The form's choices; topics that were chosen before stay valid.

        Raises:
            PreferenceError: A choice is impossible.
        """
        known = {category.category for category in categories} | set(subscriber.topics)
        timezone = check_timezone(form.get("timezone") or subscriber.timezone)
        today = self._now().astimezone(ZoneInfo(timezone)).date()
        return Preferences(
            check_frequency(form.get("frequency") or subscriber.frequency),
            check_topics([topic for topic in form.all("topic") if topic], known),
            timezone,
            check_pause(form.get("paused_until").strip(), today),
        )

    async def _show(
        self,
        subscriber: Subscriber,
        token: str,
        *,
        notice: str = "",
        error: PreferenceError | None = None,
        form: Form | None = None,
        status: int = 200,
    ) -> Response:
        categories = await self._read_model.run(list_categories)
        today = self._now().date()
        paused = subscriber.paused_until
        view: dict[str, object] = {
            "token": token,
            "address": show_address(subscriber.address),
            "state": subscriber.state,
            "reason": SUPPRESSED.get(subscriber.suppressed or "", ""),
            "frequency": subscriber.frequency,
            "topics": [(c.category, c.name, c.category in subscriber.topics) for c in categories],
            "timezone": subscriber.timezone,
            "timezones": sorted({*places_of_time_zones(), subscriber.timezone}),
            "paused_until": paused.isoformat() if paused and paused > today else "",
            "first_day": (today + timedelta(days=1)).isoformat(),
            "last_day": (today + timedelta(days=MAX_PAUSE_DAYS)).isoformat(),
            "notice": notice,
            "error": str(error) if error else "",
            "field": error.field if error else "",
        }
        if form is not None:
            view |= _typed(form, categories)
        return site_page(self._pages("subscriptions/preferences.html", _TITLE, view), status)

    async def _find(self, subscriber_id: str) -> Subscriber:
        subscriber = await self._private.run(find_subscriber, subscriber_id)
        if subscriber is None:
            raise Problem(410, "There is no subscription for this link; its data was erased.")
        return subscriber

    def _read_token(self, token: str) -> str:
        return self._links.read_preferences(token, self._clock() // 1_000_000)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def export(subscriber: Subscriber) -> Response:
    """Everything that is stored about a subscriber, as a file of JSON."""
    body = msgspec.json.format(msgspec.json.encode(subscriber), indent=2)
    headers = {
        "Content-Disposition": 'attachment; filename="verdicts-subscription.json"',
        "Cache-Control": "no-store",
    }
    return Response(body, 200, headers, JSON)


def _typed(form: Form, categories: list[Category]) -> dict[str, object]:
    """What the visitor chose in a form that was refused."""
    topics = form.all("topic")
    return {
        "frequency": form.get("frequency"),
        "topics": [(c.category, c.name, c.category in topics) for c in categories],
        "timezone": form.get("timezone"),
        "paused_until": form.get("paused_until"),
    }


def _back(token: str, done: str) -> Response:
    return RedirectResponse(f"/subscriptions/?token={token}&done={done}", 303)
