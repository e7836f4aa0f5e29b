"""The `verdicts` command: names every command, and turns failures into one sentence."""

import sys

import click
import structlog

from infra.cli.lazy_group import LazyCommand, LazyGroup

COMMANDS = {
    "api": LazyCommand(
        "infra.cli.services.api:api", "Serve the HTTP API and the site; run any number of replicas."
    ),
    "content": LazyCommand(
        "infra.cli.commands.content.commands:content",
        "Keep categories, tools, reviewers and reviews as Markdown files.",
    ),
    "deadletters": LazyCommand(
        "infra.cli.commands.deadletters.commands:deadletters",
        "Inspect, replay or discard records that could not be applied.",
    ),
    "digest": LazyCommand(
        "infra.cli.commands.digest:digest", "List, render and freeze the weekly digests."
    ),
    "doctor": LazyCommand(
        "infra.cli.commands.doctor:doctor", "Check this installation and say what to fix."
    ),
    "events": LazyCommand("infra.cli.commands.events:events", "Read and count events on the log."),
    "log": LazyCommand("infra.cli.commands.log:log", "Export the log to files and import it back."),
    "mail": LazyCommand(
        "infra.cli.commands.mail.commands:mail", "Send digests, and see what became of each mail."
    ),
    "mailer": LazyCommand(
        "infra.cli.services.mailer:mailer", "Send mail; one replica is active, the others stand by."
    ),
    "migrate": LazyCommand(
        "infra.cli.setup.migrate:migrate",
        "Migrate the database to the newest revision; safe to repeat.",
    ),
    "projections": LazyCommand(
        "infra.cli.commands.projections.commands:projections",
        "Show how far the projections are, and rebuild them.",
    ),
    "publish": LazyCommand(
        "infra.cli.services.publisher:publish",
        "Render all pages from the projections; unchanged pages keep their bytes.",
    ),
    "publisher": LazyCommand(
        "infra.cli.services.publisher:publisher",
        "Write the pages; one replica is active, the others stand by.",
    ),
    "status": LazyCommand(
        "infra.cli.commands.status:status",
        "Say whether a vote sent now would reach a page; exit status 1 if not.",
    ),
    "subscribers": LazyCommand(
        "infra.cli.commands.subscribers.commands:subscribers",
        "Manage who gets the digests by mail, and who must not.",
    ),
    "theme": LazyCommand(
        "infra.cli.commands.theme:theme", "Start and check a theme: the site's own name and look."
    ),
    "tokens": LazyCommand(
        "infra.cli.commands.tokens:tokens",
        "Manage the bearer tokens that allow clients to send events.",
    ),
    "topics": LazyCommand(
        "infra.cli.setup.topics:topics",
        "Create and check the Kafka topics, and write the changes topic anew.",
    ),
    "up": LazyCommand(
        "infra.cli.services.up:up", "Start everything here and stay in the foreground."
    ),
    "worker": LazyCommand(
        "infra.cli.services.worker:worker",
        "Apply events to the projections; run any number of replicas.",
    ),
}


def main() -> None:
    """Run the command line; every failure is one sentence on standard error and exit status 1."""
    # Standard output is for answers. Services configure their logging later.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        verdicts(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _show(error)
        sys.exit(error.exit_code)
    except Exception as error:
        from infra.cli.failures import describe  # database and Kafka clients are slow to import

        click.echo(f"verdicts: {describe(error)}", err=True)
        sys.exit(1)


def _show(error: click.ClickException) -> None:
    """Print an error with the prefix of all others; after a wrong command line, its usage too."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context:
        click.echo(context.get_usage(), err=True)
        click.echo(f"Help: {context.command_path} --help", err=True)
    click.echo(f"verdicts: {error.format_message()}", err=True)


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="verdicts")
def verdicts() -> None:
    """Which AI tool should you ship with? Events in, comparison pages out.

    \b
    verdicts up                     everything on this machine
    VERDICTS_PORT=8090 verdicts up  on another port
    verdicts status                 does a vote sent now reach a page?

    Settings come from the environment; the README lists them.
    """
