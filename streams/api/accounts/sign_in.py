"""Sign-in by a link that is mailed.

Nothing tells whether an address has an account: asking for a link does the same for every address,
and the account is created when its first link is used. Opening a link changes nothing, so programs
that open the links of all mails use none up. In the browser that asked, which keeps a verifier, the
page's script presses the button; elsewhere a person has to.
"""

import secrets

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from projections.private.accounts.sign_in_links import LINK_SECONDS, find_link
from projections.private.accounts.sign_ins import (
    Arrival,
    SignedIn,
    SignInRequest,
    request_link,
    sign_in,
)
from projections.private.subscribers.addresses import AddressError, CheckedAddress, parse_address
from projections.read.voter_registers import read_newest_time
from streams.api.accounts.address_keys import AddressKeys
from streams.api.accounts.own_forms import OwnForms
from streams.api.accounts.sessions.browser_name import name_browser
from streams.api.accounts.sessions.cookies import PrivateCookie
from streams.api.accounts.transfers.vote_transfers import VoteTransfers
from streams.api.accounts.voters import AccountVoter, Voters
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix
from streams.api.forms import Form
from streams.api.http.html_page import PageRenderer, site_page
from streams.api.http.problems import Problem
from streams.api.http.request_body import read_body
from streams.api.http.responses import encode
from streams.api.private_store import PrivateStore
from streams.api.read_model import ReadModel

MAX_BYTES = 4096
SENT = "/sign-in/sent/"
_VERIFIER_SIZE = 43


class SignInLinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request for a link."""

    email: str


class SignInSent(msgspec.Struct, frozen=True):
    """The same for every address."""

    detail: str = (
        "A link is on its way to this address. It works once, for 15 minutes. "
        "Open it in this browser."
    )


class SignIn:
    """Answers requests for links, and links.

    Args:
        private: Rows of accounts.
        read_model: Reads how new an account's votes are.
        voters: Identifies browsers.
        transfers: Hands a browser's own votes to its account.
        forms: Reads forms.
        pages: Renders pages.
        proxies: Finds the client's address.
        verifiers: The cookie of a browser that has asked for a link.
        address_keys: Keyed hashes of addresses.
    """

    def __init__(
        self,
        private: PrivateStore,
        read_model: ReadModel,
        voters: Voters,
        transfers: VoteTransfers,
        forms: OwnForms,
        pages: PageRenderer,
        proxies: TrustedProxies,
        verifiers: PrivateCookie,
        address_keys: AddressKeys,
    ) -> None:
        self._private = private
        self._read_model = read_model
        self._voters = voters
        self._transfers = transfers
        self._forms = forms
        self._pages = pages
        self._proxies = proxies
        self._verifiers = verifiers
        self._address_keys = address_keys

    async def request_by_json(self, request: Request) -> Response:
        """`POST /v1/sign-in` with `email`: 202 for every valid address."""
        self._forms.require_not_foreign(request)
        try:
            address = parse_address(await _read_email(request))
        except AddressError as error:
            raise Problem(422, str(error), pointer="/email", code="invalid-address") from None
        response = Response(encode(SignInSent()), 202, media_type="application/json")
        response.headers["Cache-Control"] = "no-store"
        return await self._send(request, address, response)

    async def request_by_form(self, request: Request) -> Response:
        """`POST /sign-in` with `email`: 303 to the page that says to look into the mail."""
        form, verifier = await self._forms.read(request), self._verifier(request)
        asked = self._forms.ask_confirmation(request, form, verifier, "Mail a link", ("email",))
        if asked is not None:
            asked.headers["Set-Cookie"] = self._verifiers.write(verifier, LINK_SECONDS)
            return asked
        try:
            address = parse_address(form.get("email"))
        except AddressError as error:
            return self._ask_address(422, error=str(error), email=form.get("email")[:320])
        return await self._send(request, address, RedirectResponse(SENT, 303))

    async def show_sent(self, _: Request) -> Response:
        """`GET /sign-in/sent/`."""
        return site_page(self._pages("accounts/sent.html", "Check your mail", {}))

    async def answer_link(self, request: Request) -> Response:
        """`GET` and `POST /sign-in/`: one route, so that 405 names both methods."""
        return await (self.use(request) if request.method == "POST" else self.show(request))

    async def show(self, request: Request) -> Response:
        """`GET /sign-in/`: the form, or with a token the button that signs in."""
        token = request.query_params.get("token", "")
        if not token:
            if await self._voters.identify_account(fields_of(request.scope)):
                return RedirectResponse("/me/", 303)
            return self._ask_address(200)
        link = await self._private.run(find_link, token, self._verifier(request))
        if link is None:
            return self._refuse_link()
        view = {"token": token, "address": link.address.shown, "press": link.same_browser}
        return site_page(self._pages("accounts/confirm.html", "Sign in", view))

    async def use(self, request: Request) -> Response:
        """`POST /sign-in/` with `token`: a session, and 303 to the account's page."""
        form, verifier = await self._forms.read(request), self._verifier(request)
        asked = self._forms.ask_confirmation(request, form, verifier, "Sign in", ("token",))
        if asked is not None:
            asked.headers["Set-Cookie"] = self._verifiers.write(verifier, LINK_SECONDS)
            return asked
        signed_in = await self._private.run(sign_in, self._arrival(request, form, verifier))
        if signed_in is None:
            return self._refuse_link()
        voter = await self._join(request, signed_in)
        response = RedirectResponse("/me/", 303)
        for cookie in (
            self._voters.set_cookie(voter),
            self._voters.forget_browser(),
            self._verifiers.expire(),
        ):
            response.headers.append("Set-Cookie", cookie)
        return response

    def _arrival(self, request: Request, form: Form, verifier: str) -> Arrival:
        headers = fields_of(request.scope)
        return Arrival(
            token=form.get("token"),
            verifier=verifier,
            device=name_browser(headers.get(b"user-agent", b"")),
            former_secret=self._voters.read_secret(headers),
            voter=self._voters.read_browser(headers).name,
        )

    async def _join(self, request: Request, signed_in: SignedIn) -> AccountVoter:
        """Transfer the browser's own votes; returns the account with the time of its last event."""
        browser = self._voters.read_browser(fields_of(request.scope))
        if signed_in.transfer is not None:
            await self._transfers.try_now(signed_in.transfer, browser.last)
        session = signed_in.issued.session
        last = await self._read_model.run(read_newest_time, session.voter)
        return AccountVoter(session.voter, last, session, signed_in.issued.secret)

    async def _send(
        self, request: Request, address: CheckedAddress, response: Response
    ) -> Response:
        """Queue the mail, unless too many were, and let the browser keep a verifier."""
        verifier = self._verifier(request)
        client = self._proxies.client_address(request.scope, fields_of(request.scope))
        await self._private.run(
            request_link,
            SignInRequest(
                address, self._address_keys.count_key(address), verifier, network_prefix(client)
            ),
        )
        response.headers["Set-Cookie"] = self._verifiers.write(verifier, LINK_SECONDS)
        return response

    def _verifier(self, request: Request) -> str:
        """The browser's verifier, or a new one."""
        value = self._verifiers.read(fields_of(request.scope)) or b""
        if len(value) == _VERIFIER_SIZE and value.isascii():
            return value.decode()
        return secrets.token_urlsafe(32)

    def _ask_address(self, status: int, *, error: str = "", email: str = "") -> Response:
        view = {"error": error, "email": email}
        return site_page(self._pages("accounts/sign_in.html", "Sign in", view), status)

    def _refuse_link(self) -> Response:
        return site_page(self._pages("accounts/used.html", "This link works no more", {}), 410)


async def _read_email(request: Request) -> str:
    headers = fields_of(request.scope)
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    body = await read_body(request.receive, headers, MAX_BYTES)
    if media_type != b"application/json":
        raise Problem(415, "Send the body as application/json.")
    try:
        return msgspec.json.decode(body, type=SignInLinkRequest).email
    except msgspec.ValidationError as error:
        raise Problem(422, f"{error}.", pointer="/email", code="invalid-value") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, 'The body is not JSON such as {"email": "a@example.com"}.') from None
