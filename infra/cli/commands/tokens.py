"""`verdicts tokens`: bearer tokens that allow clients to send events."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
import structlog
from sqlalchemy import Connection

from infra.cli.options import answer, as_json, attached_settings
from infra.postgres.engine import create_engine
from projections.private import tokens as token_store

log = structlog.get_logger(__name__)


@click.group()
def tokens() -> None:
    """Manage the bearer tokens that allow clients to send events.

    Only their hashes are stored, so a token is shown once: when it is created.
    """


@tokens.command()
@click.option("--role", required=True, help="editor, gateway or admin.")
@click.option("--name", default="", help="Shown in the list of tokens; by default the role.")
@click.option("--namespace", help="Of a gateway's voters; by default the token's own.")
@as_json
def create(role: str, name: str, namespace: str | None, as_json: bool) -> None:
    """Create a token and print it; it cannot be shown again.

    \b
    verdicts tokens create --role editor --name "the desk"
    verdicts tokens create --role gateway --namespace app --json
    """
    with _database() as connection:
        issued = token_store.create(connection, name=name or role, role=role, namespace=namespace)
    token_store.log_created(issued.token)
    value = {"token": issued.text, **msgspec.structs.asdict(issued.token)}
    answer(value, as_json, issued.text)


@tokens.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List all tokens without their secrets.

    \b
    verdicts tokens list
    verdicts tokens list --json | jq '.[] | select(.revoked == null)'
    """
    with _database() as connection:
        stored = token_store.list_all(connection)
    lines = [
        f"{token.id}  {token.role:<8} {'revoked' if token.revoked else 'valid':<8} {token.name}"
        for token in stored
    ]
    answer([msgspec.structs.asdict(token) for token in stored], as_json, "\n".join(lines))


@tokens.command()
@click.argument("token_id")
@as_json
def revoke(token_id: str, as_json: bool) -> None:
    """Revoke a token, by its id or its text; it is refused within two seconds.

    \b
    verdicts tokens revoke 7f3k2m9qx1zd
    verdicts tokens revoke vdt_7f3k2m9qx1zd_…
    """
    token_id = token_id.removeprefix("vdt_").partition("_")[0]
    with _database() as connection:
        revoked = token_store.revoke(connection, token_id)
    if revoked:
        log.info("token revoked", token=token_id)
    text = f"{token_id} is revoked." if revoked else f"{token_id} is not the id of a valid token."
    answer({"revoked": revoked}, as_json, text)
    sys.exit(0 if revoked else 1)


@contextmanager
def _database() -> Iterator[Connection]:
    engine = create_engine(attached_settings(), name="verdicts tokens", pool_size=1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
