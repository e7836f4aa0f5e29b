"""The group of `verdicts content`; each command is imported when it is used."""

import click

from infra.cli.lazy_group import LazyCommand, LazyGroup

_HERE = "infra.cli.commands.content"
COMMANDS = {
    "check": LazyCommand(
        f"{_HERE}.check:check", "Find everything that is wrong in the files; needs no server."
    ),
    "diff": LazyCommand(
        f"{_HERE}.comparison:diff", "Say what a push would send, and what readers would see of it."
    ),
    "preview": LazyCommand(
        f"{_HERE}.comparison:preview",
        "Serve the pages as a push would leave them, on this machine alone.",
    ),
    "pull": LazyCommand(
        f"{_HERE}.transfer:pull",
        "Write the site's content to files; edits that are not on the site stay.",
    ),
    "push": LazyCommand(
        f"{_HERE}.transfer:push", "Send what differs, and wait until the pages show it."
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def content() -> None:
    """Keep categories, tools, reviewers and reviews as Markdown files.

    A file has front matter in YAML, whose keys are the fields of the events, and the description or
    review below: categories/{slug}.md, tools/{slug}.md, reviewers/{slug}.md and
    reviews/{tool}/{reviewer}.md. `draft: true` keeps a file home, and `publish:` with a time until
    then.

    \b
    verdicts content pull site      write the site's content to files
    verdicts content check site     find errors; needs no server
    verdicts content diff site      say what a push would change
    verdicts content preview site   look at the pages before
    verdicts content push site      send what differs
    """
