"""`/subscriptions/confirm/`: a page with a button, and what the button does."""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from infra.signing import InvalidTokenError
from projections.private.subscribers.addresses import AddressError, CheckedAddress, parse_address
from projections.private.subscribers.links import SubscriptionLinks
from projections.private.subscribers.signups import SignupRefused, confirm
from streams.api.forms import read_form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.private_store import PrivateStore


class ConfirmationPages:
    """Answers both methods.

    Args:
        links: Reads the links.
        private: Runs the transaction.
        pages: Renders pages.
        clock: Microseconds since 1970.
    """

    def __init__(
        self,
        links: SubscriptionLinks,
        private: PrivateStore,
        pages: PageRenderer,
        clock: Callable[[], int],
    ) -> None:
        self._links = links
        self._private = private
        self._pages = pages
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Show the page on GET and HEAD, confirm on POST."""
        if request.method == "POST":
            return await self._confirm(request)
        token = request.query_params.get("token", "")
        signup = self._links.read_confirmation(token, self._clock() // 1_000_000)
        address = _address_of_link(signup.address)
        view = {"token": token, "address": address.shown}
        return site_page(
            self._pages("subscriptions/confirm.html", "Confirm your subscription", view)
        )

    async def _confirm(self, request: Request) -> Response:
        """Confirm, and redirect to the preferences; a link confirms once."""
        form = await read_form(request.receive, fields_of(request.scope))
        now = self._clock()
        seconds = now // 1_000_000
        signup = self._links.read_confirmation(form.get("token"), seconds)
        address = _address_of_link(signup.address)
        subscriber_id = self._links.id_of(address)
        time = datetime.fromtimestamp(now / 1_000_000, UTC)
        try:
            is_new = await self._private.run(confirm, address, subscriber_id, signup, time)
        except SignupRefused as refused:
            raise Problem(410, str(refused)) from None
        path = self._links.preferences_path(subscriber_id, seconds)
        return RedirectResponse(f"{path}&done={'confirmed' if is_new else 'again'}", 303)


def _address_of_link(text: str) -> CheckedAddress:
    """The address in a link of ours; rules may have become stricter since."""
    try:
        return parse_address(text)
    except AddressError:
        raise InvalidTokenError("This link is no longer valid; ask for a new one.") from None
