"""Rows of bearer tokens: roles, hashes, namespaces."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from infra.migrations import migrate
from infra.postgres.engine import create_engine
from infra.settings import Settings
from projections.private import tokens
from projections.private.tokens import Role, Token, TokenRefused


@pytest.mark.parametrize(
    ("role", "sends"),
    [("editor", {"editor"}), ("gateway", {"gateway"}), ("admin", {"editor", "gateway", "admin"})],
)
def test_a_role_may_send_its_own_events_and_admin_all_but_system_events(
    role: Role, sends: set[str]
) -> None:
    token = Token("x", "x", role, None, datetime.now(UTC))
    assert {
        sent for sent in ("editor", "gateway", "admin", "system") if token.may_send(sent)
    } == sends


@pytest.fixture
def connection(fresh_database: str) -> Iterator[Connection]:
    settings = Settings.from_environment({"DATABASE_URL": fresh_database})
    migrate(settings)
    engine = create_engine(settings)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


@pytest.mark.integration
def test_only_a_hash_is_stored(connection: Connection) -> None:
    issued = tokens.create(connection, name="the desk", role="editor")
    assert re.fullmatch(r"vdt_[0-9a-z]{12}_[A-Za-z0-9_-]{43}", issued.text)
    row = connection.execute(text("select * from verdicts.tokens")).one()
    assert issued.text.split("_", 2)[2] not in str(row)
    assert tokens.find(connection, issued.text) == issued.token


@pytest.mark.integration
def test_a_token_with_another_secret_or_a_revoked_one_is_not_found(connection: Connection) -> None:
    editor = tokens.create(connection, name="one", role="editor")
    admin = tokens.create(connection, name="other", role="admin")
    swapped = f"vdt_{editor.token.id}_{admin.text.split('_', 2)[2]}"
    assert tokens.find(connection, swapped) is None
    assert tokens.find_all(connection, [editor.text, swapped, "nonsense", admin.text]) == {
        editor.text: editor.token,
        admin.text: admin.token,
    }
    assert tokens.revoke(connection, editor.token.id)
    assert not tokens.revoke(connection, editor.token.id)
    assert tokens.find(connection, editor.text) is None
    valid = [token.id for token in tokens.list_all(connection) if token.revoked is None]
    assert valid == [admin.token.id]


@pytest.mark.integration
def test_only_gateways_have_a_namespace(connection: Connection) -> None:
    own = tokens.create(connection, name="app", role="gateway")
    created = tokens.create(connection, name="app", role="gateway", namespace="mobile-app")
    assert own.token.namespace == own.token.id
    assert created.token.namespace == "mobile-app"
    for role, namespace in (("editor", "x"), ("gateway", "No Slug"), ("king", None)):
        with pytest.raises(TokenRefused):
            tokens.create(connection, name="x", role=role, namespace=namespace)
