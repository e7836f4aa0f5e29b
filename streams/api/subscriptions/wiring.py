"""The endpoints of subscriptions, put together."""

from collections.abc import Callable

import msgspec

from infra.settings import Settings
from projections.private.subscribers.links import SubscriptionLinks
from streams.api.auth.request_origin import OriginPolicy
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.http.html_page import PageRenderer
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel
from streams.api.subscriptions.confirmation_pages import ConfirmationPages
from streams.api.subscriptions.error_pages import ErrorPages, PageHandler
from streams.api.subscriptions.preference_pages import PreferencePages
from streams.api.subscriptions.signup_endpoints import SignupEndpoints
from streams.api.subscriptions.signup_service import SignupService
from streams.api.subscriptions.unsubscribe_pages import UnsubscribePages


class SubscriptionEndpoints(msgspec.Struct, frozen=True):
    """A handler per route."""

    post: PageHandler
    form: PageHandler
    sent: PageHandler
    confirmation: PageHandler
    preferences: PageHandler
    unsubscribe: PageHandler


def build_subscriptions(
    settings: Settings,
    private: PrivateStore,
    read_model: ReadModel,
    pages: PageRenderer,
    clock: Callable[[], int],
) -> SubscriptionEndpoints:
    """Build the handlers; errors of pages are pages."""
    links = SubscriptionLinks(settings.secret_keys, settings.voter_key)
    proxies, origins = TrustedProxies(settings.trusted_proxies), OriginPolicy(settings.public_url)
    signups = SignupService(links, private, read_model, proxies, clock)
    endpoints = SignupEndpoints(signups, origins, pages)
    around = ErrorPages(pages).around
    return SubscriptionEndpoints(
        post=endpoints.post,
        form=around(endpoints.post_form),
        sent=around(endpoints.show_sent),
        confirmation=around(ConfirmationPages(links, private, pages, clock).answer),
        preferences=around(PreferencePages(links, private, read_model, pages, clock).answer),
        unsubscribe=around(UnsubscribePages(links, private, pages, clock).answer),
    )
