"""Every command of `verdicts`, by what is typed for it."""

import click

from infra.cli.main import verdicts


def all_commands(group: click.Group = verdicts, path: str = "verdicts") -> dict[str, click.Command]:
    """The commands that do something; groups are walked, not listed."""
    context = click.Context(group)
    commands: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            commands |= all_commands(command, f"{path} {name}")
        else:
            commands[f"{path} {name}"] = command
    return commands
