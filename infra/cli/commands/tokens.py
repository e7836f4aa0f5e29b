"""`verdicts tokens`: who may send events."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
from sqlalchemy import Connection

from infra.cli.options import answer, as_json, attached_settings
from infra.embedded.errors import EmbeddedError
from infra.postgres.engine import create_engine


@click.group()
def tokens() -> None:
    """Bearer tokens: who may send which events. Only a hash of each is kept."""


@tokens.command()
@click.option("--role", required=True, help="editor, gateway or admin.")
@click.option("--name", default="", help="For whom it is, for those who manage tokens.")
@click.option("--namespace", help="Of a gateway's voters; by default the token's own.")
@as_json
def create(role: str, name: str, namespace: str | None, as_json: bool) -> None:
    """Make a token and show it; it cannot be shown again.

    \b
    verdicts tokens create --role editor --name "the desk"
    verdicts tokens create --role gateway --namespace app --json
    """
    from streams.api.auth import tokens

    try:
        with _database() as connection:
            issued = tokens.create(connection, name=name or role, role=role, namespace=namespace)
    except tokens.TokenRefused as error:
        raise EmbeddedError(str(error)) from error
    answer({"token": issued.text, **_told(issued.token)}, as_json, issued.text)


@tokens.command("list")
@as_json
def list_(as_json: bool) -> None:
    """Show all tokens without their secrets.

    \b
    verdicts tokens list
    verdicts tokens list --json | jq '.[] | select(.revoked == null)'
    """
    from streams.api.auth import tokens

    with _database() as connection:
        found = tokens.listed(connection)
    lines = [
        f"{token.id}  {token.role:<8} {'revoked' if token.revoked else 'valid':<8} {token.name}"
        for token in found
    ]
    answer([_told(token) for token in found], as_json, "\n".join(lines))


@tokens.command()
@click.argument("token_id")
@as_json
def revoke(token_id: str, as_json: bool) -> None:
    """End a token, by its id or by its text; it is refused within two seconds.

    \b
    verdicts tokens revoke 7f3k2m9qx1zd
    verdicts tokens revoke vdt_7f3k2m9qx1zd_…
    """
    from streams.api.auth import tokens

    token_id = token_id.removeprefix("vdt_").partition("_")[0]
    with _database() as connection:
        ended = tokens.revoke(connection, token_id)
    said = "is revoked" if ended else "is not a valid token's id"
    answer({"revoked": ended}, as_json, f"{token_id} {said}.")
    sys.exit(0 if ended else 1)


def _told(token: msgspec.Struct) -> dict[str, object]:
    return msgspec.structs.asdict(token)


@contextmanager
def _database() -> Iterator[Connection]:
    engine = create_engine(attached_settings(), name="verdicts tokens", pool_size=1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
