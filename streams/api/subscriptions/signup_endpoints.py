"""`POST /v1/subscriptions`, and the same by a form."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from streams.api.auth.request_origin import OriginPolicy
from streams.api.forms import read_form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.http.responses import JSON, encode
from streams.api.strict_json.body import read_json
from streams.api.subscriptions.signup_service import SignupService

SENT_PATH = "/subscriptions/sent/"
_FORM_FIELDS = {"/topics": "topic"}
"""Fields of the form that have another name than the member of the JSON body."""


class SubscriptionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to subscribe; no topics mean all."""

    email: str
    frequency: str | None = None
    topics: list[str] | None = None
    timezone: str | None = None


class ConfirmationRequested(msgspec.Struct, frozen=True):
    """The answer for every valid address."""

    status: str = "confirmation-requested"
    detail: str = (
        "Open the link in the mail that we send to this address. If none arrives within some "
        "minutes, look into the spam folder, or try again in an hour."
    )


class SignupEndpoints:
    """Answers them.

    Args:
        signups: Queues the mails.
        origins: Recognizes forms of other sites.
        pages: Renders pages.
    """

    def __init__(self, signups: SignupService, origins: OriginPolicy, pages: PageRenderer) -> None:
        self._signups = signups
        self._origins = origins
        self._pages = pages

    async def post(self, request: Request) -> Response:
        """`POST /v1/subscriptions`: 202 with the same body for every valid address."""
        body = await read_json(
            request.receive,
            fields_of(request.scope),
            SubscriptionRequest,
            '{"email": "name@example.com"}',
        )
        await self._signups.request(request, body.email, body.frequency, body.topics, body.timezone)
        headers = {"Cache-Control": "no-store"}
        return Response(encode(ConfirmationRequested()), 202, headers, JSON)

    async def post_form(self, request: Request) -> Response:
        """`POST /subscribe`: 303, or the form again with the error at its field."""
        headers = fields_of(request.scope)
        if self._origins.source(headers) == "other":
            raise Problem(403, "Another site sent this form, so no mail was sent.")
        form = await read_form(request.receive, headers)
        email = form.get("email")
        frequency, timezone = form.get("frequency"), form.get("timezone")
        topics = [topic for topic in form.all("topic") if topic]
        try:
            await self._signups.request(
                request, email, frequency or None, topics or None, timezone or None
            )
        except Problem as problem:
            if problem.pointer is None:
                raise
            return self._show_form(problem, email)
        return RedirectResponse(SENT_PATH, 303)

    async def show_sent(self, _: Request) -> Response:
        """`GET /subscriptions/sent/`: what happens next."""
        return site_page(self._pages("subscriptions/sent.html", "Check your inbox", {}))

    def _show_form(self, problem: Problem, email: str) -> Response:
        pointer = problem.pointer or ""
        field = _FORM_FIELDS.get(pointer, pointer.removeprefix("/"))
        view: Mapping[str, object] = {"email": email[:320], "field": field, "error": problem.detail}
        content = self._pages("subscriptions/subscribe.html", "Subscribe", view)
        return site_page(content, problem.status)
