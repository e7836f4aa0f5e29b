"""`PUT` and `DELETE` of a vote or a bookmark: the hot path, so plain ASGI without a framework."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from infra.http.fields import Field, fields_of
from schemas.event_validation import explain
from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted
from schemas.records import Choice
from streams.api.auth.request_origin import OriginPolicy
from streams.api.http.problems import Problem
from streams.api.http.request_body import read_body
from streams.api.http.responses import encode
from streams.api.live.tally_cache import CachedTool
from streams.api.strict_json.duplicate_keys import find_duplicate_key
from streams.api.voting.vote_response import REMOVALS, OwnState, VoterChange, VoteResponse
from streams.api.voting.vote_service import BrowserRequest, VoteService

MAX_BYTES = 4096

Answer = tuple[bytes, str | None]
"""A JSON body, and the `Set-Cookie` header."""


class VoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a vote."""

    choice: Choice


_vote_decoder = msgspec.json.Decoder(VoteBody)


class VoteEndpoint:
    """An ASGI application for votes or for bookmarks.

    Args:
        votes: Writes the changes.
        origins: Recognizes our own pages.
        put: The event of `PUT`.
        delete: The event of `DELETE`.
    """

    def __init__(
        self,
        votes: VoteService,
        origins: OriginPolicy,
        put: type[VoterChange],
        delete: type[VoterChange],
    ) -> None:
        self._votes = votes
        self._origins = origins
        self._changes = {"PUT": put, "DELETE": delete}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send_answer(send, await self.answer(scope, receive, scope["path_params"]["tool"]))

    async def answer(self, scope: Scope, receive: Receive, slug: str) -> Answer:
        """The answer to a request about the tool with this slug.

        Raises:
            Problem: The request is refused, or failed.
        """
        request = BrowserRequest(scope, fields_of(scope))
        self._origins.require_same(request.headers)
        change = self._changes[scope["method"]]
        try:
            tool = await self._votes.require_tool(slug, allow_retired=change in REMOVALS)
        except Problem as problem:
            if into := problem.members.get("into"):
                problem.headers["Location"] = _path_of(scope["path"], into)
            raise
        fields = await _read_fields(change, request, receive)
        if scope["method"] == "DELETE" and await self._votes.read_voter(request) is None:
            return encode(_unchanged(tool, change)), None
        answered = await self._votes.change(request, change, tool, **fields)
        return encode(answered.response), answered.cookie


def _path_of(path: str, tool: str) -> str:
    """The same path with this tool, the third part of `/v1/tools/…/vote`, `/v1/bookmarks/…`."""
    root, version, resource, _, *rest = path.split("/")
    return "/".join([root, version, resource, tool, *rest])


async def _read_fields(
    change: type[VoterChange], request: BrowserRequest, receive: Receive
) -> dict[str, Any]:
    """The event's fields from the body: the choice of a vote; other bodies are ignored."""
    body = await read_body(receive, request.headers, MAX_BYTES)
    if change is not VoteCast:
        return {}
    try:
        choice = _vote_decoder.decode(body).choice
    except msgspec.ValidationError as error:
        invalid = explain(str(error), "")
        raise Problem(422, invalid.detail, pointer=invalid.pointer, code=invalid.code) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, 'The body is not JSON such as {"choice": "ship"}.') from None
    # Each key brings one colon, and no choice holds any, so a second colon means a second key.
    if body.count(b":") > 1 and (duplicate := find_duplicate_key(body)):
        raise Problem(422, duplicate.detail, pointer=duplicate.pointer, code="duplicate-key")
    return {"choice": choice}


def _unchanged(tool: CachedTool, change: type[VoterChange]) -> VoteResponse:
    """The response to a removal by a browser without votes: nothing to remove, so no event."""
    own = OwnState(choice=None) if change is VoteRetracted else OwnState(saved=False)
    return VoteResponse.of(tool, own)


async def send_answer(send: Send, answer: Answer, more: Sequence[Field] = ()) -> None:
    """Send an answer, with more header fields."""
    body, cookie = answer
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *more,
    ]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def votes_endpoint(votes: VoteService, origins: OriginPolicy) -> VoteEndpoint:
    """`/v1/tools/{tool}/vote`."""
    return VoteEndpoint(votes, origins, VoteCast, VoteRetracted)


def bookmarks_endpoint(votes: VoteService, origins: OriginPolicy) -> VoteEndpoint:
    """`/v1/bookmarks/{tool}`."""
    return VoteEndpoint(votes, origins, BookmarkAdded, BookmarkRemoved)
