"""Editions and their signatures, judged by a second implementation."""

import email
import email.policy
import hashlib
import re
from base64 import b64decode
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from infra.mail_settings import MailSettings
from infra.settings import Settings
from projections.private.outgoing_mail import OutgoingMail
from publishers.mailer.messages.dkim import DkimSigner, canonical_header, sign_message
from publishers.mailer.messages.edition import (
    PREFERENCES,
    SAVED_HTML,
    SAVED_PLAIN,
    UNSUBSCRIBE,
    Edition,
    EditionText,
    PersonalFields,
)
from publishers.mailer.messages.saved_section import EncodedPart, SavedSection, join
from publishers.mailer.messages.single_mail import render_single
from publishers.templating.theme import Mail, Theme, using

NOW = 1_795_000_000
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
SIGNERS = [
    DkimSigner("example.com", "s1", RSA),
    DkimSigner("example.com", "s1", ED25519),
]
TEXT = EditionText(
    "2026-W47/weekly/",
    "Week 47: Größe zählt — a subject that is long enough to be folded over more than one line",
    f"Hello  world \n.dot\nÄ = ö\n\nLeave: {UNSUBSCRIBE}\nChange: {PREFERENCES}\n",
    f"<p>  Hello =  world\t</p>\n<a href='{UNSUBSCRIBE}'>{'x' * 300}</a> {PREFERENCES}\n\n",
)


def settings() -> MailSettings:
    environ = {"VERDICTS_MAIL_FROM": "The Verdicts <digest@example.com>"}
    return Settings.from_environment(environ).mail


def fields(recipient: str = "ada@example.org") -> PersonalFields:
    return PersonalFields(
        message_id="2026-w47.abcdefghijklmnop@example.com",
        recipient=recipient,
        preferences="https://verdicts.example/subscriptions/?token=" + "p" * 58,
        unsubscribe="https://verdicts.example/subscriptions/unsubscribe/?token=" + "u" * 49,
        return_path="bounce+token@example.com",
        now=NOW,
    )


def verified(signer: DkimSigner, content: bytes) -> bool:
    record = signer.record.encode()
    return bool(dkim.verify(content, dnsfunc=lambda *_, **__: record))


def test_a_second_implementation_verifies_an_edition() -> None:
    signer = SIGNERS[0]
    content = Edition(TEXT, settings(), "verdicts.example", signer).personalise(fields())
    assert verified(signer, content)
    assert not verified(signer, content.replace(b"Hello", b"Hallo"))


@pytest.mark.parametrize(
    "name", ["From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"]
)
def test_no_header_that_matters_can_be_added_or_changed(name: str) -> None:
    content = Edition(TEXT, settings(), "verdicts.example", SIGNERS[0]).personalise(fields())
    added = f"{name}: other\r\n".encode() + content
    assert not verified(SIGNERS[0], added)
    lower = name.lower().encode()
    signature = content.partition(b"\r\n\r\n")[0].lower().partition(b"h=")[2]
    assert re.split(rb"[:;\s]+", signature.partition(b"bh=")[0]).count(lower) == 2


def test_ed25519_signs_the_hash_of_what_rsa_signs() -> None:
    """RFC 8463; dkimpy verifies such signatures with a further library alone."""
    headers = [(b"From", b" a@example.com")]
    line = SIGNERS[1].sign(headers, b"0" * 32, NOW)
    unsigned, _, signature = line.partition(b" b=")
    name, _, value = (unsigned + b" b=").partition(b": ")
    signed = b"from:a@example.com\r\n" + canonical_header(name, value)
    ED25519.public_key().verify(b64decode(signature), hashlib.sha256(signed).digest())


def test_any_other_mail_can_be_signed() -> None:
    signer = SIGNERS[0]
    content = b"From: a@example.com\r\nSubject: hi\r\n there\r\n\r\nbody  text \r\n\r\n\r\n"
    assert verified(signer, sign_message(signer, content, NOW))
    assert verified(signer, sign_message(signer, b"From: a@example.com\r\n\r\n", NOW))


def test_the_mail_reads_as_it_was_written_with_its_own_links() -> None:
    content = Edition(TEXT, settings(), "verdicts.example").personalise(fields())
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Subject"] == TEXT.subject
    assert str(message["From"]) == "The Verdicts <digest@example.com>"
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    expected = TEXT.plain.replace(UNSUBSCRIBE, fields().unsubscribe)
    written = expected.replace(PREFERENCES, fields().preferences)
    assert plain.get_content().replace("\r\n", "\n").strip() == written.strip()
    assert fields().unsubscribe in html.get_content()
    assert max(map(len, content.split(b"\r\n"))) <= 160
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "recipient", ["a.b+c@x-y.example", "o'neil@example.org", '"a b"@example.org', "ä@example.org"]
)
def test_a_recipient_is_named_as_headers_name_it(recipient: str) -> None:
    content = Edition(TEXT, settings(), "verdicts.example", SIGNERS[0]).personalise(
        fields(recipient)
    )
    header = content.partition(b"\r\nTo: ")[2].partition(b"\r\n")[0].decode()
    assert header == recipient
    if recipient.isascii():
        message = email.message_from_bytes(content, policy=email.policy.default)
        (parsed,) = message["To"].addresses
        assert parsed.addr_spec == recipient


def test_two_mails_of_an_edition_differ_in_their_fields_alone() -> None:
    edition = Edition(TEXT, settings(), "verdicts.example")
    first = edition.personalise(fields())
    assert edition.personalise(fields()) == first
    other = edition.personalise(fields("bob@example.org"))
    assert other.replace(b"bob@", b"ada@") == first


def test_a_section_of_its_own_is_signed_and_stands_where_the_edition_has_a_place() -> None:
    text = TEXT._replace(
        plain=f"Figures\n{SAVED_PLAIN}\n\nPanel\n{UNSUBSCRIBE}",
        html=f"<tr>\n{SAVED_HTML}\n</tr>{UNSUBSCRIBE}",
    )
    edition = Edition(text, settings(), "verdicts.example", SIGNERS[0])
    ours = [
        SavedSection(EncodedPart.of(plain), EncodedPart.of(f"<b>{plain}</b>\n"))
        for plain in ("\n\nTOOLS\n", ".  Größe =  1 \t\n" + "x" * 200 + "\n", "last")
    ]
    content = edition.personalise(fields()._replace(saved=join(ours)))
    assert verified(SIGNERS[0], content)
    assert verified(SIGNERS[0], edition.personalise(fields()))
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 78
    message = email.message_from_bytes(content, policy=email.policy.default)
    plain = message.get_body(("plain",))
    assert plain is not None
    between = plain.get_content().replace("\r\n", "\n").partition("Figures\n")[2]
    expected = "\n\nTOOLS\n.  Größe =  1 \t\n" + "x" * 200 + "\nlast\n\nPanel\n"
    assert between.startswith(expected)
    assert b"verdicts-field" not in content


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ("", "The Choosers <digest@localhost>"),
        ("Verdicts <digest@localhost>", "The Choosers <digest@localhost>"),
        ("digest@example.com", "The Choosers <digest@example.com>"),
        ("Our own <digest@example.com>", "Our own <digest@example.com>"),
    ],
)
def test_mails_come_from_the_themes_name_unless_the_settings_give_one(
    given: str, sender: str
) -> None:
    mail = Settings.from_environment({"VERDICTS_MAIL_FROM": given}).mail
    choosers = Theme(name="Choosers", language="de", mail=Mail(sender="The Choosers"))
    single = OutgoingMail(
        1, "sign-in", "ada@example.org", {"path": "/sign-in/"}, 1, datetime.now(UTC)
    )
    with using(choosers):
        contents = (
            Edition(TEXT, mail, "verdicts.example").personalise(fields()),
            render_single(single, "https://verdicts.example", mail),
        )
    for content in contents:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert str(message["From"]) == sender
