"""What the doctor says of mail: one sentence for each thing that keeps it from its reader."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.cli.doctor.mail import checks
from infra.cli.doctor.mail.checks import IssueState
from infra.setting_values import SettingsError
from infra.settings import Settings
from projections.private.ledger.issues import MailIssue

SMTP = {
    "SMTP_URL": "smtps://ann:secret@mail.example",
    "VERDICTS_MAIL_FOOTER": "1 Main Street",
    "VERDICTS_MAIL_FROM": "Verdicts <digest@verdicts.example>",
    "VERDICTS_PUBLIC_URL": "https://verdicts.example",
}


def sentences(**environ: str) -> str:
    settings = Settings.from_environment(environ)
    return " ".join(each.says for each in checks.configuration(settings.mail, settings.public_url))


def test_without_a_mail_server_all_is_well() -> None:
    assert sentences() == "Mail goes into the Maildir of the data folder; no mail server is set."


def test_a_public_site_without_a_mail_server_is_warned() -> None:
    settings = Settings.from_environment({"VERDICTS_PUBLIC_URL": "https://verdicts.example"})
    (finding,) = checks.configuration(settings.mail, settings.public_url)
    assert (finding.verdict, "SMTP_URL" in finding.do) == ("warn", True)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"VERDICTS_PUBLIC_URL": "http://verdicts.example"}, "one-click needs https"),
        ({"VERDICTS_MAIL_FROM": ""}, "which no mail server accepts"),
        ({"SMTP_URL": "smtp://mail.example"}, "in clear text"),
        ({}, "Bounces are not read"),
        ({"VERDICTS_BOUNCES": "/nowhere"}, "is no Maildir"),
        ({}, "Mails are not signed"),
        ({"VERDICTS_DKIM_KEY": "/no.pem", "VERDICTS_DKIM_SELECTOR": "s"}, "cannot be read"),
    ],
)
def test_each_misconfiguration_has_a_sentence(environ: dict[str, str], sentence: str) -> None:
    assert sentence in sentences(**{**SMTP, **environ})


def issue(state: str = "sending", reason: str = "", late_allowed: bool = False) -> MailIssue:
    created = datetime(2026, 11, 23, tzinfo=UTC)
    return MailIssue("2026-W47", state, reason, False, late_allowed, created)  # type: ignore[arg-type]


def test_what_is_held_late_or_in_doubt_is_told() -> None:
    states = [
        IssueState(issue("held", "The database was restored."), {}, 0),
        IssueState(issue(), {"queued": 3}, 3),
        IssueState(issue("done"), {"ambiguous": 2}, 0),
    ]
    findings = list(checks.issues(states))
    assert [each.verdict for each in findings] == ["fail", "warn", "warn"]
    assert "restored" in findings[0].says
    assert "3 mails of 2026-W47 are later than the cut-off" in findings[1].says
    assert "2 mails of 2026-W47 may have been sent" in findings[2].says


def test_complaints_are_told_from_half_of_what_providers_accept() -> None:
    assert list(checks.complaints(10_000, 4)) == []
    (finding,) = checks.complaints(10_000, 5)
    assert "0.05%" in finding.says


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SMTP_URL": "smtp://mail.example"}, "VERDICTS_MAIL_FOOTER"),
        ({"SMTP_URL": "http://mail.example", "VERDICTS_MAIL_FOOTER": "x"}, "names no mail server"),
        ({"SMTP_URL": "smtp://h?tls=no", "VERDICTS_MAIL_FOOTER": "x"}, "option"),
        ({"VERDICTS_MAIL_FROM": "nobody"}, "give an address"),
        ({"VERDICTS_MAIL_FROM": "a@b.example\r\nBcc: c@d.example"}, "give an address"),
        ({"VERDICTS_DKIM_KEY": "/a.pem"}, "VERDICTS_DKIM_SELECTOR"),
        ({"VERDICTS_MAIL_HOUR": "24"}, "0 to 23"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Settings.from_environment(environ)


def test_the_password_of_the_mail_server_stands_in_no_message() -> None:
    environ = {"SMTP_URL": "smtp://ann:geheim@h:99999", "VERDICTS_MAIL_FOOTER": "x"}
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environ)
    assert "geheim" not in str(refused.value)


def test_a_mail_server_is_read_with_its_defaults(tmp_path: Path) -> None:
    server = Settings.from_environment(SMTP).mail.server
    assert server is not None
    assert (server.host, server.port, server.implicit_tls) == ("mail.example", 465, True)
