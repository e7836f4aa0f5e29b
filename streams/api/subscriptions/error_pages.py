"""Errors of pages as pages."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from infra.signing import ExpiredTokenError, InvalidTokenError
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.http.request_metrics import DATABASE_AWAY

PageHandler = Callable[[Request], Awaitable[Response]]


class ErrorPages:
    """Wraps handlers of pages: their problems and bad links become pages in the site's design."""

    def __init__(self, pages: PageRenderer) -> None:
        self._pages = pages

    def around(self, handler: PageHandler) -> PageHandler:
        """The handler, with its errors answered."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except ExpiredTokenError as error:
                return self._render(Problem(410, str(error)), new_link=True)
            except InvalidTokenError as error:
                return self._render(Problem(403, str(error)), new_link=True)
            except SQLAlchemyError:
                return self._render(DATABASE_AWAY)
            except Problem as problem:
                return self._render(problem)

        return answer

    def _render(self, problem: Problem, *, new_link: bool = False) -> Response:
        view = {"detail": problem.detail, "new_link": new_link}
        content = self._pages("subscriptions/problem.html", "That did not work", view)
        response = site_page(content, problem.status)
        response.headers.update(problem.headers)
        return response
