"""SPF (RFC 7208): which hosts may send for a domain, as far as a receiver would find out."""

import ipaddress
from collections.abc import Sequence
from typing import Literal

from infra.cli.doctor.mail.dns_records import DnsRecords

MAX_LOOKUPS = 10
SpfResult = Literal["pass", "fail", "softfail", "neutral", "unknown"]
_RESULTS: dict[str, SpfResult] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class SpfError(ValueError):
    """No receiver can use the record; the message is a part of a sentence."""


def spf_records(texts: Sequence[str]) -> list[str]:
    """Those of some TXT records that are SPF."""
    return [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]


class SpfEvaluation:
    """Evaluates the SPF of domains for one address.

    Args:
        records: The DNS.
        address: IPv4 or IPv6 address of the sending host.
    """

    def __init__(self, records: DnsRecords, address: str) -> None:
        self._records = records
        self._address = ipaddress.ip_address(address)
        self._lookups = 0

    def of_domain(self, domain: str) -> SpfResult:
        """What a receiver says of the address; `unknown` for macros, which are not expanded.

        Raises:
            SpfError: The record, or one that it includes, is invalid.
        """
        records = spf_records(self._records.texts(domain))
        if len(records) != 1:
            number = "no SPF record" if not records else f"{len(records)} SPF records"
            raise SpfError(f"{domain} has {number}")
        redirect = ""
        for term in records[0].split()[1:]:
            qualifier, mechanism = (term[0], term[1:]) if term[0] in _RESULTS else ("+", term)
            name, _, value = mechanism.partition("=")
            if name.lower() == "redirect":
                redirect = value
            elif not value or ":" in name or "/" in name:
                matched = self._matches(mechanism, domain)
                if matched is None:
                    return "unknown"
                if matched:
                    return _RESULTS[qualifier]
        if not redirect:
            return "neutral"
        self._count()
        return self.of_domain(redirect)

    def _matches(self, mechanism: str, domain: str) -> bool | None:
        """Whether a mechanism names the address; None where that takes a macro."""
        if "%" in mechanism:
            return None
        name, _, argument = mechanism.partition(":")
        name, slash, prefix = name.partition("/")
        name = name.lower()
        if name in ("ip4", "ip6"):
            return self._in_network(argument)
        if name == "all":
            return True
        if name not in ("a", "mx", "include", "exists", "ptr"):
            raise SpfError(f"the SPF record of {domain} has the unknown part {mechanism!r}")
        self._count()
        target, inner, inner_prefix = (argument or domain).partition("/")
        length = prefix if slash else inner_prefix if inner else ""
        if name == "include":
            return self.of_domain(target) == "pass"
        hosts = self._records.mail_hosts(target) if name == "mx" else [target]
        if name == "exists":
            return bool(self._records.addresses(target))
        if name == "ptr":  # deprecated; a receiver may skip it
            return False
        return any(self._in_network(f"{address}/{length}" if length else address)
                   for host in hosts for address in self._records.addresses(host))  # fmt: skip

    def _in_network(self, text: str) -> bool:
        try:
            network = ipaddress.ip_network(text.partition("//")[0], strict=False)
        except ValueError:
            raise SpfError(f"the SPF record has the invalid network {text!r}") from None
        return self._address in network

    def _count(self) -> None:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise SpfError(f"the SPF record needs more than {MAX_LOOKUPS} look-ups")
