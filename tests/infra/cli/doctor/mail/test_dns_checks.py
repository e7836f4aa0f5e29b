"""What the doctor says of the DNS of mail: a sentence for each thing that receivers mind."""

import socket
from pathlib import Path

import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.cli.doctor.finding import Finding
from infra.cli.doctor.mail.dns_checks import dns as check_dns
from infra.cli.doctor.mail.dns_records import DnsRecords
from infra.cli.doctor.mail.spf import SpfError, SpfEvaluation
from infra.settings import Settings
from publishers.mailer.messages.dkim import DkimSigner
from tests.infra.cli.doctor.mail.name_server import Zone, name_server

SMTP = {
    "SMTP_URL": "smtps://mail.example",
    "VERDICTS_MAIL_FOOTER": "1 Main Street",
    "VERDICTS_MAIL_FROM": "Verdicts <digest@news.verdicts.example>",
}
DOMAIN, DKIM = "news.verdicts.example", "s1._domainkey.news.verdicts.example"
REVERSE = "8.8.8.8.in-addr.arpa"
GOOD: Zone = {
    ("mail.example", "A"): ["8.8.8.8"],
    (DOMAIN, "TXT"): ['"other text"', '"v=spf1 mx ip4:192.0.2.0/24 " "include:relay.example -all"'],
    (DOMAIN, "MX"): ["10 mx.verdicts.example."],
    ("mx.verdicts.example", "A"): ["192.0.2.1"],
    ("relay.example", "TXT"): ['"v=spf1 a:mail.example ~all"'],
    ("_dmarc.verdicts.example", "TXT"): ['"v=DMARC1; p=quarantine"'],
    (REVERSE, "PTR"): ["mail.example."],
}  # fmt: skip
WITHOUT: list[str] = []


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dkim") / "dkim.pem"
    pem = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    file.write_bytes(pem)
    return file


def published(key: Path) -> list[str]:
    record = DkimSigner.from_file(key, DOMAIN, "s1").record
    return [f'"{record[:200]}" "{record[200:]}"']


def findings(zone: Zone, key: Path | None = None, **environ: str) -> list[Finding]:
    signing = {"VERDICTS_DKIM_KEY": str(key), "VERDICTS_DKIM_SELECTOR": "s1"} if key else {}
    settings = Settings.from_environment({**SMTP, **signing, **environ})
    with name_server(zone) as resolver:
        return list(check_dns(settings.mail, DnsRecords(resolver)))


def test_records_that_receivers_accept_are_all_well(key: Path) -> None:
    checked = findings({**GOOD, (DKIM, "TXT"): published(key)}, key)
    assert [each.verdict for each in checked] == ["ok"] * 4
    assert [each.says for each in checked] == [
        f"{DOMAIN} has an SPF record.",
        f"{DKIM} has the key of our signatures.",
        "_dmarc.verdicts.example has the DMARC policy quarantine.",
        "8.8.8.8 has the reverse name mail.example.",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "records", "verdict", "sentence"),
    [
        (DOMAIN, "TXT", WITHOUT, "fail", "has no SPF record"),
        (DOMAIN, "TXT", ['"v=spf1 -all"', '"v=spf1 mx -all"'], "fail", "2 SPF records"),
        (DOMAIN, "TXT", ['"v=spf1 mx +all"'], "warn", "lets every host send"),
        (DOMAIN, "TXT", ['"v=spf1 mx -all"'], "warn", "does not name the mail server's 8.8.8.8"),
        (DOMAIN, "TXT", ['"v=spf1 include:gone.example -all"'], "fail", "gone.example has no SPF"),
        (DOMAIN, "TXT", ['"v=spf1 ip4:no -all"'], "fail", "invalid network"),
        (DOMAIN, "TXT", ['"v=spf1 frob -all"'], "fail", "unknown part 'frob'"),
        (DKIM, "TXT", WITHOUT, "fail", "so no signature counts"),
        (DKIM, "TXT", ['"v=DKIM1; k=rsa; p=AAAA"'], "fail", "has another key"),
        ("_dmarc.verdicts.example", "TXT", WITHOUT, "fail", "has no DMARC record"),
        ("_dmarc.verdicts.example", "TXT", ['"v=DMARC1; p=maybe"'], "fail", "no valid policy"),
        ("_dmarc.verdicts.example", "TXT", ['"v=DMARC1; p=none"'] * 2, "ok", "policy none"),
        (REVERSE, "PTR", WITHOUT, "warn", "has no reverse name"),
        (REVERSE, "PTR", ["other.example."], "warn", "does not lead back"),
        (DOMAIN, "MX", WITHOUT, "fail", "so bounces and replies are lost"),
        ("mail.example", "A", ["10.0.0.1"], "warn", "has no public address"),
    ],
)
def test_each_misconfiguration_has_a_sentence(
    key: Path, name: str, kind: str, records: list[str], verdict: str, sentence: str
) -> None:
    zone = {**GOOD, (DKIM, "TXT"): published(key), (name, kind): records}
    matching = [each for each in findings(zone, key) if sentence in each.says]
    assert [each.verdict for each in matching] == [verdict]
    assert verdict == "ok" or matching[0].do


def test_nothing_is_asked_without_a_mail_server() -> None:
    assert findings({}, SMTP_URL="") == []


def test_a_resolver_that_gives_no_answer_is_a_finding() -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        resolver.port = taken.getsockname()[1]
    settings = Settings.from_environment(SMTP)
    (finding,) = check_dns(settings.mail, DnsRecords(resolver))
    assert (finding.verdict, "gives no answer" in finding.says) == ("warn", True)


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1", "neutral"),
        ("v=spf1 ip4:8.8.0.0/16 -all", "pass"),
        ("v=spf1 -ip4:8.8.8.8 +all", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 a:mail.example/24 -all", "pass"),
        ("v=spf1 redirect=relay.example", "pass"),
        ("v=spf1 exists:mail.example -all", "pass"),
        ("v=spf1 exists:%{i}.list.example -all", "unknown"),
        ("v=spf1 exp=why.example ?all", "neutral"),
    ],
)
def test_spf_is_evaluated_as_receivers_do(record: str, result: str) -> None:
    with name_server({**GOOD, (DOMAIN, "TXT"): [f'"{record}"']}) as resolver:
        assert SpfEvaluation(DnsRecords(resolver), "8.8.8.8").of_domain(DOMAIN) == result


def test_spf_that_goes_in_a_circle_is_refused() -> None:
    circle = {("a.example", "TXT"): ['"v=spf1 include:a.example -all"']}
    with (
        name_server(circle) as resolver,
        pytest.raises(SpfError, match="more than 10 look-ups"),
    ):
        SpfEvaluation(DnsRecords(resolver), "8.8.8.8").of_domain("a.example")
