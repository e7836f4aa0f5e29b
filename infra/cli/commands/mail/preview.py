"""`verdicts mail preview`: a digest mail in the browser, as subscribers get it."""

import quopri
from collections.abc import Callable, Sequence

import click
from jinja2 import Environment
from sqlalchemy import Connection

from infra.cli.commands.mail.database import mail_transaction
from infra.cli.loopback_server import (
    HTML,
    NOT_FOUND,
    TEXT,
    PreviewAnswer,
    port_option,
    serving,
    show_until_interrupt,
)
from infra.cli.options import as_json
from infra.errors import VerdictsError
from infra.settings import Settings
from publishers.mailer.issues.editions import render_edition
from publishers.mailer.issues.saved_tools import SavedToolSections
from publishers.mailer.messages.edition import (
    PREFERENCES,
    SAVED_HTML,
    SAVED_PLAIN,
    UNSUBSCRIBE,
    EditionText,
)
from publishers.mailer.messages.saved_section import EncodedPart
from publishers.templating import theme
from schemas.time import weeks

WIDTHS = (390, 600, 1280)
_INDEX = Environment(autoescape=True).from_string("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>{{ subject }}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem }
iframe { border: 1px solid; height: 80vh; max-width: 100% }
</style>
<h1>{{ subject }}</h1>
<p>Nothing is sent. <a href="/mail.html">HTML alone</a> · <a href="/mail.txt">Plain text</a></p>
{% for width in widths %}
<h2>{{ width }} px</h2>
<iframe src="/mail.html" width="{{ width }}" title="The mail at {{ width }} pixels"></iframe>
{% endfor %}
</html>
""")


@click.command()
@click.argument("week")
@click.option("--monthly", is_flag=True, help="The edition of the month before the next Monday.")
@click.option("--topic", "topics", multiple=True, help="A category; several may be given.")
@click.option("--saved", multiple=True, help="A tool that the reader bookmarked, by its slug.")
@port_option
@as_json
def preview(
    week: str,
    monthly: bool,
    topics: tuple[str, ...],
    saved: tuple[str, ...],
    port: int,
    as_json: bool,
) -> None:
    """Show a digest mail in the browser, on this machine alone; nothing is sent.

    Ctrl-C ends it.

    \b
    verdicts mail preview 2026-W47
    verdicts mail preview 2026-W47 --saved smolvlm-2-5
    verdicts mail preview 2026-W47 --monthly --topic developer-tools
    """
    with mail_transaction() as (connection, settings):
        theme.activate(settings)
        text = _render(connection, settings, week, monthly, topics, saved)
    with serving(_finder(text), port) as origin:
        show_until_interrupt(text.subject, f"{origin}/", as_json)


def _render(
    connection: Connection,
    settings: Settings,
    week: str,
    monthly: bool,
    topics: Sequence[str],
    saved: Sequence[str],
) -> EditionText:
    """The texts of a mail, whose personal links lead to the site."""
    if not weeks.exists(week):
        raise VerdictsError(f"{week!r} is no week; give one such as 2026-W47.")
    url, frequency = settings.public_url, "monthly" if monthly else "weekly"
    try:
        text = render_edition(
            connection, url, settings.mail, week, frequency, tuple(sorted(set(topics)))
        )
    except LookupError as error:
        raise VerdictsError(f"{error}; `verdicts digest list` shows the weeks that have.") from None
    section = SavedToolSections(url).section(connection, (week, frequency), saved)
    fields = {
        PREFERENCES: f"{url}/subscriptions/",
        UNSUBSCRIBE: f"{url}/subscriptions/",
        SAVED_PLAIN: _decode(section.plain),
        SAVED_HTML: _decode(section.html),
    }
    plain, html = text.plain, text.html
    for field, value in fields.items():
        plain, html = plain.replace(field, value), html.replace(field, value)
    return text._replace(plain=plain, html=html)


def _decode(part: EncodedPart) -> str:
    return quopri.decodestring(part.encoded).decode().replace("\r\n", "\n")


def _finder(text: EditionText) -> Callable[[str], PreviewAnswer]:
    pages = {
        "/": PreviewAnswer(200, HTML, _INDEX.render(subject=text.subject, widths=WIDTHS).encode()),
        "/mail.html": PreviewAnswer(200, HTML, text.html.encode()),
        "/mail.txt": PreviewAnswer(200, TEXT, text.plain.encode()),
    }
    return lambda path: pages.get(path, NOT_FOUND)
