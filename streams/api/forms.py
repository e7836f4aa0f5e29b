"""Fields of submitted forms, urlencoded or multipart."""

from collections.abc import Collection, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.types import Receive

from streams.api.http.problems import Problem
from streams.api.http.request_body import read_body

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FORM_BYTES = 32 * 1024


class Form:
    """The fields of a form, each with its values in order."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def all(self, name: str) -> list[str]:
        """The values of a field that may be chosen several times."""
        return [value for field, value in self._pairs if field == name]

    def get(self, name: str) -> str:
        """The value of a field; empty where the form has none.

        Raises:
            Problem: 400 when it occurs more than once.
        """
        values = self.all(name)
        if len(values) > 1:
            raise Problem(400, f"The field {name} occurs more than once.")
        return values[0] if values else ""


async def read_form(
    receive: Receive,
    headers: Mapping[bytes, bytes],
    *,
    limit: int = MAX_FORM_BYTES,
    accepted: Collection[str] = ("", URLENCODED, MULTIPART),
) -> Form:
    """Read a form.

    Args:
        receive: Receives the body.
        headers: The fields of the request.
        limit: The largest body, in bytes.
        accepted: Media types; an empty one accepts a body without a media type as urlencoded.

    Raises:
        Problem: 400 for fields that are no UTF-8, 413 for a larger body, 415 for another media
            type.
    """
    content_type = headers.get(b"content-type", b"")
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    body = await read_body(receive, headers, limit)
    if media_type not in accepted:
        raise Problem(415, f"Send a form as {' or '.join(filter(None, accepted))}.")
    try:
        if media_type == MULTIPART:
            return Form(_multipart_pairs(content_type, body))
        text = body.decode().rstrip("\r\n")
        return Form(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise Problem(400, "The form is not readable.") from None


def _multipart_pairs(content_type: bytes, body: bytes) -> list[tuple[str, str]]:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type + b"\r\n\r\n" + body
    )
    pairs = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode().rstrip("\r\n")))
    return pairs
