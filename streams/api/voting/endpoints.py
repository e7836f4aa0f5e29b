"""`PUT` and `DELETE` of a vote or a bookmark: the hot path, so plain ASGI and nothing around it."""

from typing import Any

import msgspec
from msgspec import UNSET
from starlette.types import Receive, Scope, Send

from schemas.event_validation import explain
from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted
from schemas.records import Choice
from streams.api.auth.request_origin import OriginPolicy
from streams.api.http.problems import Problem
from streams.api.http.responses import encode, read_body
from streams.api.live.tally_cache import CachedTool
from streams.api.voting.vote_service import (
    BrowserRequest,
    VoterChange,
    VoteResponse,
    VoteService,
    vote_response,
)

MOST_BYTES = 4096


class VoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a vote."""

    choice: Choice


_ballot = msgspec.json.Decoder(VoteBody)


class VoteEndpoint:
    """An ASGI application for one kind of change, told by the method.

    Args:
        booth: Takes the changes.
        origins: Knows our own pages.
        put: The event of `PUT`.
        delete: The event of `DELETE`.
    """

    def __init__(
        self,
        booth: VoteService,
        origins: OriginPolicy,
        put: type[VoterChange],
        delete: type[VoterChange],
    ) -> None:
        self._booth = booth
        self._origins = origins
        self._kinds = {"PUT": put, "DELETE": delete}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = BrowserRequest(scope, dict(scope["headers"]))
        self._origins.require_same(visit.headers)
        kind = self._kinds[scope["method"]]
        tool: str = scope["path_params"]["tool"]
        standing = await self._booth.require_tool(tool, retired_too=kind is BookmarkRemoved)
        said = await _said(kind, visit, receive)
        if kind in (VoteRetracted, BookmarkRemoved) and not self._booth.voters.read(visit.headers):
            return await _answer(send, _of_nobody(standing, kind))
        taken = await self._booth.submit(visit, kind, tool, **said)
        shown = await self._booth.await_visible(taken, standing)
        return await _answer(send, shown, taken.cookie)


async def _said(kind: type[VoterChange], visit: BrowserRequest, receive: Receive) -> dict[str, Any]:
    """What the body says: a choice for a vote, nothing for all else."""
    body = await read_body(receive, visit.headers, MOST_BYTES)
    if kind is not VoteCast:
        return {}
    try:
        return {"choice": _ballot.decode(body).choice}
    except msgspec.ValidationError as error:
        found = explain(str(error), "")
        raise Problem(422, found.detail, pointer=found.pointer, code=found.code) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, 'The body is not JSON such as {"choice": "ship"}.') from None


def _of_nobody(standing: CachedTool, kind: type[VoterChange]) -> VoteResponse:
    """What somebody sees who never voted: there is nothing to take back, so no event either."""
    if kind is VoteRetracted:
        return vote_response(standing, None, UNSET)
    return vote_response(standing, UNSET, False)


async def _answer(send: Send, shown: VoteResponse, cookie: str | None = None) -> None:
    body = encode(shown)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def votes(booth: VoteService, origins: OriginPolicy) -> VoteEndpoint:
    """`/v1/tools/{tool}/vote`."""
    return VoteEndpoint(booth, origins, VoteCast, VoteRetracted)


def bookmarks(booth: VoteService, origins: OriginPolicy) -> VoteEndpoint:
    """`/v1/bookmarks/{tool}`."""
    return VoteEndpoint(booth, origins, BookmarkAdded, BookmarkRemoved)
