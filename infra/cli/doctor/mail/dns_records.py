"""Records of the DNS that mail depends on."""

import ipaddress
from collections.abc import Iterable
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

SECONDS = 4.0
"""The longest wait for one answer."""


class DnsUnavailableError(OSError):
    """The DNS does not answer; the message names the question."""


class DnsRecords:
    """Asks a resolver.

    Args:
        resolver: None: the one of this machine.
    """

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        self._resolver = resolver

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name; strings of one record are joined."""
        return [
            b"".join(record.strings).decode("utf-8", "replace") for record in self._ask(name, "TXT")
        ]

    def addresses(self, name: str) -> list[str]:
        """The IPv4 and IPv6 addresses of a name, or the address itself."""
        try:
            return [str(ipaddress.ip_address(name))]
        except ValueError:
            return [record.address for kind in ("A", "AAAA") for record in self._ask(name, kind)]

    def mail_hosts(self, domain: str) -> list[str]:
        """The hosts that take mail for a domain; a null record (RFC 7505) counts as none."""
        hosts = [record.exchange for record in self._ask(domain, "MX")]
        return [host.to_text(omit_final_dot=True) for host in hosts if host != dns.name.root]

    def names(self, address: str) -> list[str]:
        """The reverse names of an address."""
        question = dns.reversename.from_address(address).to_text()
        return [record.target.to_text(omit_final_dot=True) for record in self._ask(question, "PTR")]

    def _ask(self, name: str, kind: str) -> Iterable[Any]:
        try:
            resolver = self._resolver or dns.resolver.get_default_resolver()
            return resolver.resolve(name, kind, lifetime=SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise DnsUnavailableError(f"{name} {kind}") from error
