"""HTTP responses of the site: caching, compression, conditional requests, redirects."""

import hashlib
import math
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from infra.http.conditional import http_date, is_unchanged
from publishers.build.site_files import StoredFile
from publishers.pages import catalogue
from publishers.templating import assets
from publishers.web.compression import MIN_LENGTH, accepts_gzip, compress

REVALIDATE = "public, no-cache"
FOREVER = "public, max-age=31536000, immutable"
PRIVATE = "private, no-store"
HTML = "text/html; charset=utf-8"

_QUERY = "%!$&'()*+,;=:@/?"
"""Characters of a query that stay as they are (RFC 3986); `%` begins one that is encoded."""

_TYPES = {
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml; charset=utf-8",
}


class SiteResponse(NamedTuple):
    """The response for a path, independent of the request.

    Attributes:
        status: 200, or why there is no such page.
        body: The page.
        media_type: Of the body.
        cache: How long it may be used again.
        location: Makes it a redirect.
        modified: When the body was last modified, in seconds since 1970; None if that is unknown.
    """

    status: HTTPStatus
    body: bytes = b""
    media_type: str = HTML
    cache: str = REVALIDATE
    location: str = ""
    modified: int | None = None


def of_stored_file(path: str, file: StoredFile, now: float) -> SiteResponse:
    """A stored page or file for machines, with the time of its write.

    The time is rounded up to a whole second, and left out until that has come: a file may be
    written twice within a second, and no two versions may share a date.
    """
    modified = math.ceil(file.written)
    response = of_file(path, file.content)
    return response._replace(modified=modified if modified <= now else None)


def of_file(path: str, body: bytes) -> SiteResponse:
    """A page, an asset or a file for machines, with the media type of its path."""
    suffix = "." + path.rpartition(".")[2]
    if path.startswith("/static/"):
        return SiteResponse(HTTPStatus.OK, body, assets.TYPES.get(suffix, HTML), FOREVER)
    if path.endswith(catalogue.FEED):
        return SiteResponse(HTTPStatus.OK, body, "application/atom+xml; charset=utf-8")
    return SiteResponse(HTTPStatus.OK, body, _TYPES.get(suffix, HTML))


def moved(location: str) -> SiteResponse:
    """A permanent redirect (308)."""
    return SiteResponse(HTTPStatus.PERMANENT_REDIRECT, location=location)


def see_other(location: str) -> SiteResponse:
    """A redirect to the result of a form (303)."""
    return SiteResponse(HTTPStatus.SEE_OTHER, location=location)


def to_http(request: Request, response: SiteResponse) -> Response:
    """The response to this request: a 308 keeps the query, an unchanged page is 304."""
    if response.location:
        return _redirect(request, response)
    body, headers = _encoded(request, response)
    if response.modified is not None:
        headers["Last-Modified"] = http_date(response.modified)
    if response.status == HTTPStatus.OK and _is_unchanged(request, response, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Length"] = str(len(body))
    sent = b"" if request.method == "HEAD" else body
    return Response(sent, response.status, headers, response.media_type)


def _is_unchanged(request: Request, response: SiteResponse, etag: str) -> bool:
    match, since = (request.headers.get(name) for name in ("if-none-match", "if-modified-since"))
    return is_unchanged(match, since, etag, response.modified)


def _redirect(request: Request, response: SiteResponse) -> Response:
    location = response.location
    query = quote(request.scope["query_string"], safe=_QUERY)
    if query and response.status == HTTPStatus.PERMANENT_REDIRECT:
        location += f"?{query}"
    return Response(status_code=response.status, headers={"Location": location})


def _encoded(request: Request, response: SiteResponse) -> tuple[bytes, dict[str, str]]:
    """The body in an encoding that the request accepts, with its headers."""
    tag = hashlib.sha256(response.body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": response.cache, "Vary": "Accept-Encoding"}
    accepted = request.headers.get("accept-encoding", "")
    if len(response.body) < MIN_LENGTH or not accepts_gzip(accepted):
        return response.body, headers
    # A strong ETag names exact bytes, so the compressed ones need another.
    headers |= {"ETag": f'"{tag}-gzip"', "Content-Encoding": "gzip"}
    return compress(response.body), headers
