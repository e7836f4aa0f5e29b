"""The endpoints of accounts, put together."""

import msgspec

from infra.settings import Settings
from streams.api.accounts.account_pages import AccountPages
from streams.api.accounts.address_keys import AddressKeys
from streams.api.accounts.own_forms import OwnForms
from streams.api.accounts.sessions.cookies import PrivateCookie
from streams.api.accounts.sign_in import SignIn
from streams.api.accounts.transfers.vote_transfers import VoteTransfers
from streams.api.accounts.voters import Voters
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.http.html_page import PageRenderer
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel
from streams.api.subscriptions.error_pages import ErrorPages, PageHandler


class AccountEndpoints(msgspec.Struct, frozen=True):
    """A handler per route."""

    request_by_json: PageHandler
    request_by_form: PageHandler
    sent: PageHandler
    link: PageHandler
    me: PageHandler
    export: PageHandler
    sign_out: PageHandler
    revoke: PageHandler
    erase: PageHandler
    erased: PageHandler


def build_accounts(
    settings: Settings,
    private: PrivateStore,
    read_model: ReadModel,
    pages: PageRenderer,
    voters: Voters,
    transfers: VoteTransfers,
    forms: OwnForms,
    clock: MonotonicClock,
) -> AccountEndpoints:
    """Build the handlers; errors of pages are pages."""
    address_keys = AddressKeys(settings)
    secure = settings.public_url.startswith("https://")
    sign_in = SignIn(
        private=private,
        read_model=read_model,
        voters=voters,
        transfers=transfers,
        forms=forms,
        pages=pages,
        proxies=TrustedProxies(settings.trusted_proxies),
        verifiers=PrivateCookie("verdicts_sign_in", secure=secure),
        address_keys=address_keys,
    )
    account = AccountPages(
        private=private,
        read_model=read_model,
        voters=voters,
        transfers=transfers,
        forms=forms,
        pages=pages,
        address_keys=address_keys,
        clock=clock,
        public_url=settings.public_url,
    )
    around = ErrorPages(pages).around
    return AccountEndpoints(
        request_by_json=sign_in.request_by_json,
        request_by_form=around(sign_in.request_by_form),
        sent=around(sign_in.show_sent),
        link=around(sign_in.answer_link),
        me=around(account.show),
        export=account.export,
        sign_out=around(account.sign_out),
        revoke=around(account.revoke),
        erase=around(account.erase),
        erased=around(account.show_erased),
    )
