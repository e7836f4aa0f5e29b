"""Header fields that every response has, whatever wrote it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.http.fields import Field

_NO_SNIFFING: Field = (b"x-content-type-options", b"nosniff")
_INERT: Field = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""Of what is no page: it loads nothing, and no page may frame it. Pages bring their own."""
_HTTPS_ONLY: Field = (b"strict-transport-security", b"max-age=31536000")
"""For a year, and for this host alone: other hosts of the domain are not ours to decide about."""


class ResponseHeaders:
    """ASGI middleware: `nosniff` and a policy on every response, HSTS where the site is on HTTPS.

    Args:
        app: The application.
        public_url: The site's address.

    Attributes:
        fields: What is added.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self.fields = [_NO_SNIFFING, _INERT]
        if public_url.startswith("https://"):
            self.fields.append(_HTTPS_ONLY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, and add the fields that its response does not have."""
        await self._app(scope, receive, self.adding(send))

    def adding(self, send: Send) -> Send:
        """A `send` that adds the fields which a response does not have."""

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                headers += (field for field in self.fields if field[0] not in names)
                message = {**message, "headers": headers}
            await send(message)

        return send_with_fields
