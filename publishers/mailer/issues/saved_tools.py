"""News of the tools that subscribers saved: rendered once per issue and tool, joined per mail."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from projections.history.digest_input_queries import read_previous_tallies
from projections.history.digest_inputs import PreviousTallies
from projections.private.ledger.claims import DigestMail
from projections.read.voters import list_saved_slugs
from publishers.content.database_content import DatabaseContent
from publishers.mailer.issues.editions import digest_of
from publishers.mailer.messages.saved_section import EncodedPart, SavedSection, join
from publishers.pages.digest_mail import saved_tools_html, saved_tools_text
from publishers.views.digests.saved_tools import (
    MAX_TOOLS,
    SavedTools,
    tool_news,
    vote_move,
)
from schemas.digests import WeeklyDigest
from schemas.records import Community
from schemas.time import weeks
from schemas.time.instants import from_datetime

HEADING = "Tools you keep"
Period = tuple[str, str]
"""An issue's week, and the frequency."""


class _PeriodInput(NamedTuple):
    """The digest of a period, and all tallies before it and at its end."""

    digest: WeeklyDigest
    before: PreviousTallies
    after: PreviousTallies


class _Part(NamedTuple):
    """The news of a tool, ready to send; `order` puts what matters more first."""

    order: tuple[int, str]
    section: SavedSection


class SavedToolSections:
    """Makes the sections of a process.

    Args:
        public_url: Address of the site.
    """

    def __init__(self, public_url: str) -> None:
        self._url = public_url
        self._inputs: dict[Period, _PeriodInput] = {}
        self._parts: dict[tuple[Period, str], _Part | None] = {}
        self._heading = self._encode(SavedTools(HEADING))

    def of_mails(
        self, connection: Connection, mails: Iterable[DigestMail]
    ) -> dict[str, SavedSection]:
        """The sections of those mails whose owners have an account with news, by the mail's name.

        Args:
            connection: Its transaction is a snapshot.
            mails: Claimed mails.
        """
        owners = [mail for mail in mails if mail.voter]
        if not owners:
            return {}
        saved = list_saved_slugs(connection, {mail.voter for mail in owners})
        sections = {
            mail.name: self.section(connection, (mail.week, mail.frequency), saved[mail.voter])
            for mail in owners
            if mail.voter in saved
        }
        return {name: section for name, section in sections.items() if section.html.encoded}

    def section(self, connection: Connection, period: Period, tools: Sequence[str]) -> SavedSection:
        """The section on some tools; empty where nothing changed."""
        self._read(connection, period, tools)
        parts = sorted(part for tool in tools if (part := self._parts[period, tool]))
        if not parts:
            return SavedSection()
        shown = [part.section for part in parts[:MAX_TOOLS]]
        left = len(parts) - len(shown)
        more = [self._encode(SavedTools(left=left))] if left else []
        return join([self._heading, *shown, *more])

    def _read(self, connection: Connection, period: Period, tools: Collection[str]) -> None:
        """Render the news of those tools that no earlier mail had."""
        unknown = [tool for tool in tools if (period, tool) not in self._parts]
        if not unknown:
            return
        if period not in self._inputs:
            self._inputs[period] = _read_input(connection, period)
        content = DatabaseContent(connection)
        content.read_ahead(unknown)
        for slug in unknown:
            self._parts[period, slug] = self._part(content, self._inputs[period], slug)

    def _part(self, content: DatabaseContent, period: _PeriodInput, slug: str) -> _Part | None:
        tool = content.tool(slug)
        if tool is None:
            return None
        after = period.after.of(slug)
        moved = after.since(period.before.of(slug))
        community = Community.of(after.ship, after.skip)
        news = tool_news(period.digest, tool, vote_move(tool, moved.ship, moved.skip, community))
        if news is None:
            return None
        return _Part((news.rank, slug), self._encode(SavedTools(tools=[news])))

    def _encode(self, view: SavedTools) -> SavedSection:
        plain, html = saved_tools_text(self._url, view), saved_tools_html(self._url, view)
        return SavedSection(EncodedPart.of(plain), EncodedPart.of(html))


def _read_input(connection: Connection, period: Period) -> _PeriodInput:
    digest = digest_of(connection, *period)
    first = weeks.week_of(from_datetime(digest.start))
    after = read_previous_tallies(connection, weeks.following(digest.week))
    return _PeriodInput(digest, read_previous_tallies(connection, first), after)
