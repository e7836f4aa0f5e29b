"""A digest for many subscribers: rendered once, then personalised by filling in fixed fields.

The body is quoted-printable. A field stands on lines of its own, between soft line breaks, so a
value of any length fits without encoding the text around it again.
"""

import hashlib
import quopri
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import NamedTuple

from infra.mail_settings import MailSettings
from publishers.mailer.messages.dkim import DkimSigner, Header, canonical_body
from publishers.mailer.messages.saved_section import SavedSection
from publishers.mailer.messages.sender import sender_of
from publishers.templating import theme

POLICY = SMTP.clone(max_line_length=78)
PREFERENCES = "verdicts-field-preferences-9f2c"
UNSUBSCRIBE = "verdicts-field-unsubscribe-9f2c"
SAVED_PLAIN = "verdicts-field-saved-plain-9f2c"
SAVED_HTML = "verdicts-field-saved-html-9f2c"
_FIELDS = (PREFERENCES, UNSUBSCRIBE, SAVED_PLAIN, SAVED_HTML)
_FIELD = re.compile(f"({'|'.join(_FIELDS)})")
_DOT_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w.-]+", re.ASCII)
_BREAK = b"=\r\n"
_VALUE_LINE = 60


class EditionText(NamedTuple):
    """The texts of an edition, with the fields in place of what differs between subscribers."""

    name: str
    subject: str
    plain: str
    html: str


class PersonalFields(NamedTuple):
    """What differs between the mails of an edition.

    Attributes:
        message_id: A function of issue and subscriber, without brackets.
        recipient: Address of the subscriber.
        preferences: Absolute address of the preferences.
        unsubscribe: Absolute address that ends the subscription.
        return_path: Address for bounces, and for unsubscribing by mail.
        now: Seconds since 1970.
        saved: News of the tools that the subscriber saved.
    """

    message_id: str
    recipient: str
    preferences: str
    unsubscribe: str
    return_path: str
    now: int
    saved: SavedSection = SavedSection()


class Edition:
    """The mails of one edition.

    Args:
        text: What it says.
        settings: Sender and footer.
        list_host: Host of the site, for List-Id.
        signer: Signs each mail; None: unsigned.
    """

    def __init__(
        self,
        text: EditionText,
        settings: MailSettings,
        list_host: str,
        signer: DkimSigner | None = None,
    ) -> None:
        self._signer = signer
        boundary = f"=_verdicts_{hashlib.sha256(text.name.encode()).hexdigest()[:24]}"
        self._headers = _common_headers(text.subject, settings, list_host, boundary)
        self._pieces = _pieces(text, boundary)
        self._canonical = [
            piece if piece in _FIELDS else canonical_body(_bytes(piece)) for piece in self._pieces
        ]
        # The longest run without a field is hashed once for all mails.
        self._start = hashlib.sha256(_bytes(self._canonical[0]))

    def personalise(self, fields: PersonalFields) -> bytes:
        """The mail to one subscriber."""
        links = {
            PREFERENCES: _field_lines(fields.preferences),
            UNSUBSCRIBE: _field_lines(fields.unsubscribe),
        }
        plain, html = fields.saved
        headers = [*_personal_headers(fields), *self._headers]
        signature = b""
        if self._signer:
            relaxed = links | {SAVED_PLAIN: plain.canonical, SAVED_HTML: html.canonical}
            signature = self._signer.sign(headers, self._hash(relaxed), fields.now)
        values = links | {SAVED_PLAIN: plain.encoded, SAVED_HTML: html.encoded}
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        body = b"".join(_bytes(values.get(_text(piece), piece)) for piece in self._pieces)
        return signature + head + b"\r\n" + body

    def _hash(self, values: dict[str, bytes]) -> bytes:
        digest = self._start.copy()
        for piece in self._canonical[1:]:
            digest.update(_bytes(values.get(_text(piece), piece)))
        return digest.digest()


def _text(piece: bytes | str) -> str:
    return piece if isinstance(piece, str) else ""


def _bytes(piece: bytes | str) -> bytes:
    assert isinstance(piece, bytes)
    return piece


def _common_headers(
    subject: str, settings: MailSettings, list_host: str, boundary: str
) -> list[Header]:
    email = EmailMessage(policy=POLICY)
    email["From"] = sender_of(settings)
    email["Subject"] = subject
    email["List-Id"] = f"{theme.current().name} weekly digest <digest.{list_host}>"
    email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email["Auto-Submitted"] = "auto-generated"
    email["Precedence"] = "bulk"
    email["Content-Language"] = theme.current().language
    email["MIME-Version"] = "1.0"
    headers = []
    for line in re.split(rb"\r\n(?![ \t])", email.as_bytes().partition(b"\r\n\r\n")[0]):
        name, _, value = line.partition(b":")
        headers.append((name, value.lstrip()))
    kind = f'multipart/alternative; boundary="{boundary}"'
    return [*headers, (b"Content-Type", kind.encode())]


def _personal_headers(fields: PersonalFields) -> list[Header]:
    mailto = f"mailto:{fields.return_path.replace('+', '%2B')}?subject=unsubscribe"
    return [
        (b"To", _mailbox(fields.recipient).encode()),
        (b"Date", formatdate(fields.now).encode()),
        (b"Message-ID", f"<{fields.message_id}>".encode()),
        (b"List-Unsubscribe", f"<{fields.unsubscribe}>,\r\n <{mailto}>".encode()),
    ]


def _mailbox(address: str) -> str:
    """The address for a header: as it is, unless its local part has to be quoted."""
    if _DOT_ATOMS.fullmatch(address) or not address.isascii():
        return address
    return str(Address(addr_spec=address))


def _pieces(text: EditionText, boundary: str) -> list[bytes | str]:
    """The body as encoded bytes, with the names of fields between them."""
    pieces: list[bytes | str] = []
    for kind, part in (("plain", text.plain), ("html", text.html)):
        head = (
            f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        )
        _append(pieces, head.encode())
        for piece in _FIELD.split(part):
            if piece in _FIELDS:
                _append(pieces, _BREAK)
                pieces.append(piece)
            else:
                encoded = quopri.encodestring(piece.encode()).replace(b"\r\n", b"\n")
                _append(pieces, encoded.replace(b"\n", b"\r\n"))
        _append(pieces, b"\r\n")
    _append(pieces, f"--{boundary}--\r\n".encode())
    return pieces


def _append(pieces: list[bytes | str], encoded: bytes) -> None:
    if pieces and isinstance(pieces[-1], bytes):
        pieces[-1] += encoded
    else:
        pieces.append(encoded)


def _field_lines(value: str) -> bytes:
    """A value in quoted-printable, on lines that end with soft breaks."""
    parts = [value[at : at + _VALUE_LINE] for at in range(0, len(value), _VALUE_LINE)]
    return b"".join(part.replace("=", "=3D").encode() + _BREAK for part in parts)
