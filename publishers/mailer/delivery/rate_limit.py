"""How fast mails may go: in all, and to each recipient domain. Pure; time comes in."""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Addressed(Protocol):
    """A mail with an address."""

    @property
    def address(self) -> str:
        """The recipient's address."""
        ...


Mail = TypeVar("Mail", bound=Addressed)


class Pace:
    """At most so many in a second, evenly, after bursts of a twentieth of a second.

    A new pace has no burst to spend, so a process that is started again and again is not faster.
    """

    def __init__(self, per_second: float, now: float) -> None:
        self._interval = 1 / per_second
        self._burst = max(0.0, 0.05 - self._interval)
        self._next = now + self._interval + self._burst

    def delay(self, now: float) -> float:
        """Seconds until the next one may go."""
        return max(0.0, self._next - self._burst - now)

    def take(self, now: float) -> None:
        """Count one that goes now."""
        self._next = max(self._next, now) + self._interval


class MailPace:
    """The pace of all mails, and of those to each domain.

    Args:
        per_second: Most mails in a second.
        per_domain: Most mails in a second to one domain.
        now: Seconds of a monotonic clock.
    """

    def __init__(self, per_second: int, per_domain: int, now: float = 0.0) -> None:
        self._all = Pace(per_second, now)
        self._per_domain = per_domain
        self._domains: dict[str, Pace] = {}

    def next_of(self, mails: Iterable[Mail], now: float) -> tuple[Mail | None, float]:
        """The first mail that may go now, else None and the seconds until one may."""
        if (delay := self._all.delay(now)) > 0:
            return None, delay
        least = 1.0
        for mail in mails:
            pace = self._domains.get(domain_of(mail.address))
            delay = pace.delay(now) if pace else 0.0
            if delay <= 0:
                return mail, 0.0
            least = min(least, delay)
        return None, least

    def take(self, address: str, now: float) -> None:
        """Count a mail that goes now."""
        self._all.take(now)
        domain = domain_of(address)
        if domain not in self._domains:
            self._domains[domain] = Pace(self._per_domain, now)
        self._domains[domain].take(now)

    def blocked(self, now: float) -> list[str]:
        """Domains to which none may go now; forgets those that have been quiet."""
        delays = {domain: pace.delay(now) for domain, pace in self._domains.items()}
        self._domains = {domain: self._domains[domain] for domain in delays if delays[domain] > 0}
        return sorted(self._domains)


def domain_of(address: str) -> str:
    """The domain in lower case."""
    return address.rpartition("@")[2].lower()
