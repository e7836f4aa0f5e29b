"""Forms of accounts: sent by our own pages, or confirmed with a token."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from infra.http.fields import fields_of
from streams.api.auth.csrf import CsrfTokens
from streams.api.auth.request_origin import OriginPolicy
from streams.api.auth.voter_cookie import Voter
from streams.api.forms import Form, read_form
from streams.api.http.html_page import html_page
from streams.api.http.problems import Problem
from streams.api.ingest.event_clock import MonotonicClock

CONFIRMED = "confirmed"
"""The field of a confirmation that holds its token."""


class OwnForms:
    """Reads forms, and lets through what one of our own pages sent.

    Args:
        origins: Recognizes our own pages.
        csrf_tokens: Those of confirmations.
        clock: Now.
    """

    def __init__(
        self, origins: OriginPolicy, csrf_tokens: CsrfTokens, clock: MonotonicClock
    ) -> None:
        self._origins = origins
        self._csrf_tokens = csrf_tokens
        self._clock = clock

    async def read(self, request: Request) -> Form:
        """The fields of a form.

        Raises:
            Problem: The form is not readable.
        """
        return await read_form(request.receive, fields_of(request.scope))

    def ask_confirmation(
        self, request: Request, form: Form, browser: str, label: str, names: tuple[str, ...]
    ) -> Response | None:
        """None for a form of ours; else a page that asks, and that a token of its own confirms.

        Args:
            request: The form's.
            form: Its fields.
            browser: A secret of this browser that the token is bound to.
            label: What the form does, as a button.
            names: The fields that decide what it does.

        Raises:
            Problem: 403 when the browser says that another site sent the form.
        """
        source = self._origins.source(fields_of(request.scope))
        if source == "other":
            raise Problem(403, "Another site sent this form, so nothing was changed.")
        path: str = request.scope["path"]
        fields = {name: form.get(name) for name in names}
        action, voter = _action(path, fields), Voter(browser, 0)
        now = self._clock.now()
        token = form.get(CONFIRMED)
        if source == "same" or self._csrf_tokens.is_valid(token, voter, action, now):
            return None
        fields[CONFIRMED] = self._csrf_tokens.issue(voter, action, now)
        return html_page("confirmation.html", label=label, action=path, fields=fields)

    def require_not_foreign(self, request: Request) -> None:
        """Refuse a request with JSON that another site sent.

        Raises:
            Problem: 403.
        """
        if self._origins.source(fields_of(request.scope)) == "other":
            raise Problem(403, "Another site sent this request, so nothing was changed.")


def _action(path: str, fields: Mapping[str, str]) -> str:
    return "\0".join((path, *(f"{name}={value}" for name, value in fields.items())))
