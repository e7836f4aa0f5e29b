"""The account's own page and what it can do: sessions, export, erasure."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from projections.private.accounts.erasure import Holdings, erase_account, read_holdings
from projections.private.accounts.sessions import revoke_other_sessions, revoke_session
from projections.private.accounts.transfers import Transfer, begin_transfer
from projections.read.voters import OwnVote, SavedTool, list_own_votes, list_saved_tools
from streams.api.accounts.account_export import AccountExport, export_account
from streams.api.accounts.address_keys import AddressKeys
from streams.api.accounts.own_forms import OwnForms
from streams.api.accounts.transfers.vote_transfers import VoteTransfers
from streams.api.accounts.voters import AccountVoter, Voters
from streams.api.forms import Form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.http.responses import JSON, encode
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel

OTHERS = "others"
"""Names all sessions but the present one."""


class AccountPages:
    """Answers with the account of the request's session.

    Args:
        private: Rows of accounts.
        read_model: Reads votes and bookmarks.
        voters: Identifies browsers.
        transfers: Takes votes back.
        forms: Reads forms.
        pages: Renders pages.
        address_keys: Keyed hashes of addresses.
        clock: Now.
        public_url: The site's address, for the links of an export.
    """

    def __init__(
        self,
        private: PrivateStore,
        read_model: ReadModel,
        voters: Voters,
        transfers: VoteTransfers,
        forms: OwnForms,
        pages: PageRenderer,
        address_keys: AddressKeys,
        clock: MonotonicClock,
        public_url: str,
    ) -> None:
        self._private = private
        self._read_model = read_model
        self._voters = voters
        self._transfers = transfers
        self._forms = forms
        self._pages = pages
        self._address_keys = address_keys
        self._clock = clock
        self._public_url = public_url

    async def show(self, request: Request) -> Response:
        """`GET /me/`; without a session 303 to the form that asks for a link."""
        voter = await self._identify(request)
        holdings = None if voter is None else await self._read_holdings(voter)
        if voter is None or holdings is None:
            return RedirectResponse("/sign-in/", 303)
        votes, saved = await self._read_choices(voter)
        view = {
            "address": holdings.account.address.shown,
            "export": self._export(holdings, votes, saved),
            "session": voter.session.id,
            "preferences": self._preferences_path(holdings),
        }
        return site_page(self._pages("accounts/me.html", "Your account", view))

    async def export(self, request: Request) -> Response:
        """`GET /v1/me/export`; 401 without a session."""
        voter = await self._require(request)
        holdings = await self._read_holdings(voter)
        if holdings is None:
            raise _not_signed_in()
        votes, saved = await self._read_choices(voter)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="verdicts-account.json"',
        }
        body = encode(self._export(holdings, votes, saved))
        return Response(body, headers=headers, media_type=JSON)

    async def sign_out(self, request: Request) -> Response:
        """`POST /sign-out`: the browser is a stranger from now on; 303 to the home page."""
        voter, form = await self._identify(request), await self._forms.read(request)
        asked = self._forms.ask_confirmation(request, form, _bound_to(voter), "Sign out", ())
        if asked is not None:
            return asked
        if voter is not None:
            await self._join_stray_votes(request, voter)
            await self._private.run(revoke_session, voter.session.account, voter.session.id)
        return self._as_stranger("/")

    async def revoke(self, request: Request) -> Response:
        """`POST /me/sessions/revoke` with `session`: an id, or `others`; 303 to the page."""
        voter, form = await self._require(request), await self._forms.read(request)
        asked = self._forms.ask_confirmation(
            request, form, _bound_to(voter), "End the session", ("session",)
        )
        if asked is not None:
            return asked
        chosen, own = form.get("session"), voter.session
        if not chosen:
            raise Problem(422, f"session must be the id of a session, or {OTHERS}.")
        if chosen == OTHERS:
            await self._private.run(revoke_other_sessions, own.account, own.id)
        else:
            await self._private.run(revoke_session, own.account, chosen)
        self._voters.forget_lookups()
        return self._as_stranger("/") if chosen == own.id else RedirectResponse("/me/", 303)

    async def erase(self, request: Request) -> Response:
        """`POST /me/erase` with `votes` of `keep` or `withdraw`; 303 to a page that says so."""
        voter, form = await self._require(request), await self._forms.read(request)
        asked = self._forms.ask_confirmation(
            request, form, _bound_to(voter), "Erase the account", ("votes",)
        )
        if asked is not None:
            return asked
        holdings = await self._read_holdings(voter)
        if holdings is None:
            raise _not_signed_in()
        await self._erase(request, voter, holdings, withdraw=_read_withdraw(form))
        return self._as_stranger("/me/erased/")

    async def show_erased(self, _: Request) -> Response:
        """`GET /me/erased/`."""
        return site_page(self._pages("accounts/erased.html", "Your account is erased", {}))

    async def _erase(
        self, request: Request, voter: AccountVoter, holdings: Holdings, *, withdraw: bool
    ) -> None:
        await self._join_stray_votes(request, voter)
        if withdraw:
            # While this fails the account stays, so that its owner can ask again.
            await self._transfers.empty_all_to(voter.id)
            await self._transfers.empty(Transfer(voter.id))
        keys = self._address_keys.of(holdings.account.address)
        now = datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC)
        await self._private.run(erase_account, holdings.account, keys, now, withdraw=withdraw)

    async def _join_stray_votes(self, request: Request, voter: AccountVoter) -> None:
        """Transfer what this browser chose by an answer that crossed with its sign-in."""
        browser = self._voters.read_browser(fields_of(request.scope))
        if browser.name is not None:
            transfer = Transfer(browser.name, voter.id)
            begun = await self._private.run(begin_transfer, transfer)
            await self._transfers.try_now(begun, browser.last)

    async def _identify(self, request: Request) -> AccountVoter | None:
        return await self._voters.identify_account(fields_of(request.scope))

    async def _require(self, request: Request) -> AccountVoter:
        voter = await self._identify(request)
        if voter is None:
            raise _not_signed_in()
        return voter

    async def _read_holdings(self, voter: AccountVoter) -> Holdings | None:
        return await self._private.run(
            read_holdings, voter.session.account, self._address_keys.subscriber_id
        )

    async def _read_choices(self, voter: AccountVoter) -> tuple[list[OwnVote], list[SavedTool]]:
        votes = await self._read_model.run(list_own_votes, voter.id)
        return votes, await self._read_model.run(list_saved_tools, voter.id)

    def _export(
        self, holdings: Holdings, votes: list[OwnVote], saved: list[SavedTool]
    ) -> AccountExport:
        return export_account(holdings, votes, saved, self._public_url)

    def _preferences_path(self, holdings: Holdings) -> str | None:
        if holdings.subscription is None:
            return None
        seconds = self._clock.now() // 1_000_000
        return self._address_keys.preferences_path(holdings.account.address, seconds)

    def _as_stranger(self, path: str) -> Response:
        """A redirect after which the browser has neither a session nor a voter."""
        self._voters.forget_lookups()
        response = RedirectResponse(path, 303)
        for cookie in (self._voters.forget_session(), self._voters.forget_browser()):
            response.headers.append("Set-Cookie", cookie)
        return response


def _bound_to(voter: AccountVoter | None) -> str:
    return "" if voter is None else voter.secret


def _not_signed_in() -> Problem:
    return Problem(401, "You are not signed in; sign in at /sign-in/.")


def _read_withdraw(form: Form) -> bool:
    chosen = form.get("votes")
    if chosen not in ("keep", "withdraw"):
        raise Problem(422, "votes must be keep or withdraw.")
    return chosen == "withdraw"
