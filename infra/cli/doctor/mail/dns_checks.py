"""Judges the DNS of the sender's domain: one sentence for each thing that receivers mind."""

import ipaddress
from collections.abc import Iterable, Iterator

from infra.cli.doctor.finding import Finding, fail, ok, warn
from infra.cli.doctor.mail.dns_records import DnsRecords, DnsUnavailableError
from infra.cli.doctor.mail.spf import SpfError, SpfEvaluation, spf_records
from infra.mail_settings import MailSettings
from publishers.mailer.messages.dkim import DkimKeyError, DkimSigner

CHECK = "mail DNS"
_POLICIES = ("none", "quarantine", "reject")


def dns(settings: MailSettings, records: DnsRecords) -> Iterator[Finding]:
    """Whether receivers find what they ask the DNS; nothing without a mail server."""
    if settings.server is None:
        return
    try:
        hosts = _public(records.addresses(settings.server.host))
        yield from spf(settings.domain, hosts, records)
        yield from dkim(settings, records)
        yield dmarc(settings.domain, records)
        yield from reverse_names(settings.server.host, hosts, records)
        yield from return_path(settings, records)
    except DnsUnavailableError as error:
        yield warn(
            CHECK,
            f"The DNS gives no answer to {error}, so the records of mail are not checked.",
            "Check the resolver of this machine, and run the doctor again.",
        )


def spf(domain: str, hosts: Iterable[str], records: DnsRecords) -> Iterator[Finding]:
    """Whether the domain lets the mail server send."""
    published = spf_records(records.texts(domain))
    if len(published) != 1:
        number = f"{len(published)} SPF records, so none counts" if published else "no SPF record"
        yield fail(
            CHECK,
            f"{domain} has {number}.",
            f"Publish one TXT record at {domain}, such as: v=spf1 a:mail.{domain} -all",
        )
        return
    if any(term in ("all", "+all") for term in published[0].lower().split()):
        yield warn(
            CHECK, f"The SPF record of {domain} lets every host send.", "End it with -all or ~all."
        )
    try:
        results = {host: SpfEvaluation(records, host).of_domain(domain) for host in hosts}
    except SpfError as error:
        yield fail(CHECK, f"No receiver can use the SPF of {domain}: {error}.", "Correct it.")
        return
    strangers = [host for host, result in results.items() if result not in ("pass", "unknown")]
    if strangers:
        yield warn(
            CHECK,
            f"The SPF record of {domain} does not name the mail server's {', '.join(strangers)}.",
            "Add it, or the `include:` that your provider documents; all is well if mail leaves "
            "from other addresses.",
        )
    else:
        yield ok(CHECK, f"{domain} has an SPF record.")


def dkim(settings: MailSettings, records: DnsRecords) -> Iterator[Finding]:
    """Whether receivers find the public key of our signatures; nothing without a usable key."""
    if settings.dkim_key is None:
        return
    try:
        signer = DkimSigner.from_file(settings.dkim_key, settings.domain, settings.dkim_selector)
    except DkimKeyError:
        return  # the settings check reports an unusable key
    name = f"{settings.dkim_selector}._domainkey.{settings.domain}"
    published = records.texts(name)
    if not published:
        advice = f"Publish it: {signer.record}"
        yield fail(CHECK, f"{name} has no TXT record, so no signature counts.", advice)
    elif not any(_tags(text).get("p") == _tags(signer.record)["p"] for text in published):
        yield fail(
            CHECK,
            f"{name} has another key than VERDICTS_DKIM_KEY, so no signature counts.",
            f"Publish this one: {signer.record}",
        )
    else:
        yield ok(CHECK, f"{name} has the key of our signatures.")


def dmarc(domain: str, records: DnsRecords) -> Finding:
    """Whether the domain, or one above it, has a DMARC policy."""
    for parent in _with_parents(domain):
        policies = [text for text in records.texts(f"_dmarc.{parent}") if _is_dmarc(text)]
        if not policies:
            continue
        name = f"_dmarc.{parent}"
        if len(policies) > 1:
            return fail(CHECK, f"{name} has {len(policies)} records, so none counts.", "Keep one.")
        policy = _tags(policies[0]).get("p", "")
        if policy not in _POLICIES:
            says = f"The DMARC record at {name} has no valid policy."
            return fail(CHECK, says, "Set p=none, p=quarantine or p=reject.")
        return ok(CHECK, f"{name} has the DMARC policy {policy}.")
    record = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
    return fail(
        CHECK,
        f"{domain} has no DMARC record, so large providers refuse bulk mail.",
        f"Publish a TXT record at _dmarc.{domain}: {record}",
    )


def reverse_names(server: str, hosts: Iterable[str], records: DnsRecords) -> Iterator[Finding]:
    """Whether the mail server's addresses have names that lead back to them."""
    addresses = list(hosts)
    if not addresses:
        yield warn(
            CHECK,
            f"{server} has no public address, so SPF and the reverse name are not checked.",
            "See that the public address from which mail leaves has both.",
        )
    for address in addresses:
        names = records.names(address)
        if not names:
            yield warn(
                CHECK,
                f"{address} ({server}) has no reverse name, and many servers refuse such hosts.",
                "Ask the provider of the address to set one.",
            )
        elif not any(address in records.addresses(name) for name in names):
            yield warn(
                CHECK,
                f"The reverse name of {address} is {names[0]}, which does not lead back to it.",
                f"Give {names[0]} the address {address}.",
            )
        else:
            yield ok(CHECK, f"{address} has the reverse name {names[0]}.")


def return_path(settings: MailSettings, records: DnsRecords) -> Iterator[Finding]:
    """Whether bounces find a host that takes them."""
    domain = settings.domain
    if not records.mail_hosts(domain) and not records.addresses(domain):
        yield fail(
            CHECK,
            f"No host takes mail for {domain}, so bounces and replies are lost.",
            f"Publish an MX record at {domain}.",
        )


def _public(addresses: Iterable[str]) -> list[str]:
    return [each for each in addresses if ipaddress.ip_address(each).is_global]


def _with_parents(domain: str) -> Iterator[str]:
    """A domain and those above it, without the top-level domain."""
    labels = domain.split(".")
    yield from (".".join(labels[at:]) for at in range(max(1, len(labels) - 1)))


def _is_dmarc(text: str) -> bool:
    return text.replace(" ", "").lower().startswith("v=dmarc1")


def _tags(text: str) -> dict[str, str]:
    """The tags of a record such as `v=DMARC1; p=none`."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
