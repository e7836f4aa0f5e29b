"""Asks for confirmation mails. Known and unknown addresses take the same steps."""

from collections.abc import Callable, Sequence

import structlog
from starlette.requests import Request

from infra.http.fields import fields_of
from projections.private.subscribers.addresses import AddressError, CheckedAddress, parse_address
from projections.private.subscribers.links import Signup, SubscriptionLinks
from projections.private.subscribers.preferences import (
    PreferenceError,
    check_frequency,
    check_timezone,
    check_topics,
)
from projections.private.subscribers.signups import request_confirmation
from projections.read.categories import list_categories
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix
from streams.api.http.problems import Problem
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel

log = structlog.get_logger(__name__)


class SignupService:
    """Checks requests to subscribe, and queues their confirmation mails within the limits.

    Args:
        links: Issues the links.
        private: Runs the transaction.
        read_model: Knows the categories.
        proxies: Finds the caller's address.
        clock: Microseconds since 1970.
    """

    def __init__(
        self,
        links: SubscriptionLinks,
        private: PrivateStore,
        read_model: ReadModel,
        proxies: TrustedProxies,
        clock: Callable[[], int],
    ) -> None:
        self._links = links
        self._private = private
        self._read_model = read_model
        self._proxies = proxies
        self._clock = clock

    async def request(
        self,
        request: Request,
        email: str,
        frequency: str | None,
        topics: Sequence[str] | None,
        timezone: str | None,
    ) -> None:
        """Queue the mail, unless a limit or a suppression forbids it; the caller cannot tell.

        Raises:
            Problem: 422 with a pointer to the invalid field.
        """
        address = checked_address(email)
        signup = await self._checked_signup(address, frequency, topics, timezone)
        client = self._proxies.client_address(request.scope, fields_of(request.scope))
        queued = await self._private.run(
            request_confirmation,
            address,
            self._links.id_of(address),
            network_prefix(client),
            self._links.confirmation_path(signup),
        )
        if not queued:
            log.debug("no confirmation mail: a limit or a suppression forbids it")

    async def _checked_signup(
        self,
        address: CheckedAddress,
        frequency: str | None,
        topics: Sequence[str] | None,
        timezone: str | None,
    ) -> Signup:
        categories = await self._read_model.run(list_categories) if topics else []
        known = {category.category for category in categories}
        try:
            return Signup(
                address.typed,
                self._clock(),
                frequency=None if frequency is None else check_frequency(frequency),
                topics=None if topics is None else check_topics(topics, known),
                timezone=None if timezone is None else check_timezone(timezone),
            )
        except PreferenceError as error:
            raise Problem(
                422, str(error), pointer=f"/{error.field}", code="invalid-value"
            ) from None


def checked_address(email: str) -> CheckedAddress:
    """The address.

    Raises:
        Problem: 422 that points to `email`.
    """
    try:
        return parse_address(email)
    except AddressError as error:
        raise Problem(422, str(error), pointer="/email", code="invalid-value") from None
