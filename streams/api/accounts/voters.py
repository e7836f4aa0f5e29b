"""Who votes: the account of a browser that has signed in, else the browser's own voter."""

import time
from collections.abc import Mapping

import msgspec

from projections.private.accounts.sessions import Session
from streams.api.accounts.sessions.session_cookie import SessionCookies, SessionTicket
from streams.api.accounts.sessions.session_lookup import SessionLookup
from streams.api.auth.voter_cookie import Voter, VoterCookies


class AccountVoter(Voter, frozen=True):
    """An account as a voter: its id is its name on the log.

    Attributes:
        session: The browser's session.
        secret: The session's.
    """

    session: Session
    secret: str


class BrowserVoter(msgspec.Struct, frozen=True):
    """The voter that a browser had before it signed in; `last` in microseconds since 1970."""

    name: str | None = None
    last: int = 0


class Voters:
    """Identifies voters by their cookies.

    A request without a session's cookie causes no lookup.

    Args:
        voter_cookies: Those of browsers that have not signed in.
        session_cookies: Those of browsers that have.
        sessions: Finds sessions.
    """

    def __init__(
        self, voter_cookies: VoterCookies, session_cookies: SessionCookies, sessions: SessionLookup
    ) -> None:
        self._voter_cookies = voter_cookies
        self._session_cookies = session_cookies
        self._sessions = sessions

    async def identify(self, headers: Mapping[bytes, bytes]) -> Voter | None:
        """The account of a valid session, else the voter of the browser; None without both."""
        account = await self.identify_account(headers)
        return self._voter_cookies.read(headers) if account is None else account

    async def identify_account(self, headers: Mapping[bytes, bytes]) -> AccountVoter | None:
        """The account of the request's session; None without a valid session."""
        ticket = self._session_cookies.read(headers)
        session = None if ticket is None else await self._sessions.find(ticket.secret)
        if ticket is None or session is None:
            return None
        return AccountVoter(session.voter, ticket.last, session, ticket.secret)

    def create_voter(self) -> Voter:
        """A voter of a browser that has not signed in, without events yet."""
        return self._voter_cookies.create_voter()

    def set_cookie(self, voter: Voter) -> str:
        """The `Set-Cookie` header that names the voter again, with the time of its last event."""
        if not isinstance(voter, AccountVoter):
            return self._voter_cookies.set_cookie(voter)
        seconds = int(voter.session.expires.timestamp() - time.time())
        return self._session_cookies.write(SessionTicket(voter.secret, voter.last), max(0, seconds))

    def pseudonym(self, voter: Voter) -> str:
        """The voter's name on the log."""
        if isinstance(voter, AccountVoter):
            return voter.id
        return self._voter_cookies.pseudonym(voter)

    async def read_pseudonym(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The name on the log of the request's voter; None without one."""
        voter = await self.identify(headers)
        return None if voter is None else self.pseudonym(voter)

    def read_browser(self, headers: Mapping[bytes, bytes]) -> BrowserVoter:
        """The browser's own voter, whether it has signed in or not."""
        voter = self._voter_cookies.read(headers)
        if voter is None:
            return BrowserVoter()
        return BrowserVoter(self._voter_cookies.pseudonym(voter), voter.last)

    def read_secret(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The secret of the request's session cookie, valid or not."""
        ticket = self._session_cookies.read(headers)
        return None if ticket is None else ticket.secret

    def forget_browser(self) -> str:
        """The `Set-Cookie` header that removes the browser's own voter."""
        return self._voter_cookies.expire()

    def forget_session(self) -> str:
        """The `Set-Cookie` header that removes the session's cookie."""
        return self._session_cookies.expire()

    def forget_lookups(self) -> None:
        """Look sessions up again: this process has revoked some."""
        self._sessions.forget_all()
