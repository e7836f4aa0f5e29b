"""What the doctor says of the mail server, judged by connecting to one on loopback."""

import datetime
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.cli.doctor.finding import Finding
from infra.cli.doctor.mail.relay_checks import relay
from infra.embedded.ports import choose
from infra.settings import Settings

Start = Callable[..., int]


def certificate(folder: Path, days: int = 90) -> Path:
    """A certificate of 127.0.0.1 by its own authority, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    )
    pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    file = folder / f"mail-{days}.pem"
    file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a mail server with these options; gives its port."""
    started: list[Controller] = []

    def start(**options: Any) -> int:
        port = choose(tmp_path, f"smtp-{len(started)}")[f"smtp-{len(started)}"]
        controller = Controller(object(), hostname="127.0.0.1", port=port, **options)
        controller.start()
        started.append(controller)
        return port

    yield start
    for controller in started:
        controller.stop()


def findings(url: str, trusted: Path | None = None) -> list[Finding]:
    environ = {"SMTP_URL": url, "VERDICTS_MAIL_FOOTER": "1 Main Street"}
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    return list(relay(Settings.from_environment(environ).mail, context))


def serving(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_server_with_a_valid_certificate_is_well(tmp_path: Path, start: Start) -> None:
    file = certificate(tmp_path)
    port = start(tls_context=serving(file))
    (finding,) = findings(f"smtp://127.0.0.1:{port}?tls=required", file)
    assert finding.verdict == "ok"
    assert "takes our connection with TLSv1" in finding.says


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, start: Start) -> None:
    port = start(tls_context=serving(certificate(tmp_path)))
    (finding,) = findings(f"smtp://127.0.0.1:{port}?tls=required")
    assert finding.verdict == "fail"
    assert "The certificate of 127.0.0.1" in finding.says


def test_a_certificate_that_soon_expires_is_told(tmp_path: Path, start: Start) -> None:
    file = certificate(tmp_path, days=3)
    (finding,) = findings(f"smtp://127.0.0.1:{start(tls_context=serving(file))}", file)
    assert (finding.verdict, "expires in 2 days" in finding.says) == ("warn", True)


def test_a_server_without_starttls_is_told_or_refused(start: Start) -> None:
    port = start()
    (finding,) = findings(f"smtp://127.0.0.1:{port}")
    assert (finding.verdict, "in clear text" in finding.says) == ("warn", True)
    (finding,) = findings(f"smtp://127.0.0.1:{port}?tls=required")
    assert (finding.verdict, "which SMTP_URL insists on" in finding.says) == ("fail", True)


def test_a_port_that_speaks_another_language_is_told(start: Start) -> None:
    (finding,) = findings(f"smtps://127.0.0.1:{start()}")
    assert (finding.verdict, "Use smtp:// for STARTTLS" in finding.do) == ("fail", True)


def test_a_refused_login_is_told_without_the_password(tmp_path: Path, start: Start) -> None:
    file = certificate(tmp_path)

    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    port = start(tls_context=serving(file), authenticator=refuse)
    (finding,) = findings(f"smtp://ann:geheim@127.0.0.1:{port}", file)
    assert (finding.verdict, "refuses the login: 535" in finding.says) == ("fail", True)
    assert "geheim" not in finding.says + finding.do


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    port = choose(tmp_path, "nobody")["nobody"]
    (finding,) = findings(f"smtp://127.0.0.1:{port}")
    assert (finding.verdict, "cannot be reached" in finding.says) == ("fail", True)


def test_nothing_is_opened_without_a_mail_server() -> None:
    assert list(relay(Settings.from_environment({}).mail)) == []
