"""`/subscriptions/unsubscribe/`: one click (RFC 8058), and a page with a button for people.

The token alone decides: mail providers send no cookie and no origin.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from infra.http.fields import fields_of
from projections.private.subscribers.links import SubscriptionLinks
from projections.private.subscribers.subscriptions import unsubscribe
from streams.api.forms import read_form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.private_store import PrivateStore

FIELD, VALUE = "List-Unsubscribe", "One-Click"


class UnsubscribePages:
    """Answers both methods.

    Args:
        links: Reads and issues links.
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
        """Show the page on GET and HEAD; unsubscribe on POST with 200, also the second time."""
        subscriber_id = self._links.read_unsubscribing(request.query_params.get("token", ""))
        if request.method != "POST":
            return site_page(self._pages("subscriptions/unsubscribe.html", "Unsubscribe", {}))
        form = await read_form(request.receive, fields_of(request.scope))
        if form.get(FIELD).strip().lower() != VALUE.lower():
            raise Problem(422, f"The body must be {FIELD}={VALUE}.")
        now = self._clock() / 1_000_000
        time = datetime.fromtimestamp(now, UTC)
        await self._private.run(unsubscribe, subscriber_id, "one click", time)
        view = {"preferences": self._links.preferences_path(subscriber_id, int(now))}
        return site_page(self._pages("subscriptions/unsubscribed.html", "Unsubscribed", view))
