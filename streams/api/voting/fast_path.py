"""The fast path of browsers' votes and bookmarks, past the framework.

They are most of the requests. Layer after layer of routing and middleware costs one of them as much
as its own work, so here the same checks stand in one place. Whatever is unusual before the body is
goes through the framework, with the same answers.
"""

import re
import time
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.http.fields import RepeatedFieldError, fields_of
from infra.telemetry import tracing
from streams.api.http.problems import Problem, on_crash
from streams.api.http.request_metrics import DATABASE_AWAY, RouteTimer
from streams.api.middleware.known_hosts import KnownHosts
from streams.api.middleware.request_log import RequestLog
from streams.api.middleware.response_headers import ResponseHeaders
from streams.api.voting.endpoints import VoteEndpoint, send_answer

VOTE_PATH = "/v1/tools/{tool}/vote"
BOOKMARK_PATH = "/v1/bookmarks/{tool}"

_METHODS = frozenset(("PUT", "DELETE"))


class _Target:
    """An endpoint, the pattern of its path, and the timer of its route."""

    def __init__(self, path: str, endpoint: VoteEndpoint) -> None:
        self.match = re.compile(path.replace("{tool}", "([^/]+)")).fullmatch
        self.endpoint = endpoint
        self.timer = RouteTimer(path)


class FastPath:
    """ASGI middleware: answers votes and bookmarks itself, and calls the app for all else.

    Args:
        app: The application, with all of its layers.
        endpoints: By their paths.
        hosts: Recognizes requests for this server.
        headers: Knows the fields of every response.
        log: Logs refused requests.

    Attributes:
        framework: The application.
    """

    def __init__(
        self,
        app: ASGIApp,
        endpoints: Mapping[str, VoteEndpoint],
        hosts: KnownHosts,
        headers: ResponseHeaders,
        log: RequestLog,
    ) -> None:
        self.framework = app
        self._targets = [_Target(path, endpoint) for path, endpoint in endpoints.items()]
        self._hosts = hosts
        self._headers = headers
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a vote or a bookmark, or call the app."""
        if scope["type"] == "http" and scope["method"] in _METHODS and not tracing.enabled():
            for target in self._targets:
                match = target.match(scope["path"])
                if match and self._is_usual(scope):
                    return await self._answer(target, match[1], scope, receive, send)
        return await self.framework(scope, receive, send)

    def _is_usual(self, scope: Scope) -> bool:
        """Whether no check before the body refuses the request."""
        try:
            fields = fields_of(scope)
            self._hosts.require_known(scope, fields)
        except (Problem, RepeatedFieldError):
            return False
        return True

    async def _answer(
        self, target: _Target, slug: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started, status = time.perf_counter(), 500
        try:
            answer = await target.endpoint.answer(scope, receive, slug)
            status = 200
            await send_answer(send, answer, self._headers.fields)
        except Problem as problem:
            status = problem.status
            await self._refuse(problem.response(), scope, receive, send)
        except SQLAlchemyError:
            status = DATABASE_AWAY.status
            await self._refuse(DATABASE_AWAY.response(), scope, receive, send)
        except Exception as error:
            if status == 500:
                await self._refuse(await on_crash(Request(scope), error), scope, receive, send)
            raise
        finally:
            ended = time.perf_counter()
            target.timer.observe(scope["method"], status, ended - started)
            self._log.note(scope, status, ended - started, ended)

    async def _refuse(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, self._headers.adding(send))
