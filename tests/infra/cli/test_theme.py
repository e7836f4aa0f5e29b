import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from infra.cli.failures import describe
from infra.cli.main import verdicts
from tests.harness import examples
from tests.harness.examples import NOON
from tests.harness.journal import Journal


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(verdicts, ["theme", *arguments])


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    folder = tmp_path / "theme"
    assert run("init", str(folder)).exit_code == 0
    return folder


@pytest.fixture
def site(projected: Engine, migrated: str) -> dict[str, str]:
    """The settings of a site with a tool and a digest."""
    Journal(projected).apply(examples.a_listing(), examples.a_vote(time=NOON))
    return {"DATABASE_URL": migrated, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}


def test_init_names_the_files_that_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "theme"
    output = run("init", str(folder)).output
    assert all(str(file) in output for file in folder.rglob("*") if file.is_file())
    assert f"verdicts theme check {folder}" in output


def test_init_overwrites_nothing(theme: Path) -> None:
    (theme / "site.toml").write_text("mine")
    error = run("init", str(theme)).exception
    assert isinstance(error, Exception)
    assert "is not empty" in describe(error)
    assert (theme / "site.toml").read_text() == "mine"


@pytest.mark.integration
def test_a_new_theme_breaks_no_page(theme: Path, site: dict[str, str]) -> None:
    result = run("check", str(theme), "--json", **site)
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    assert values["failures"] == []
    assert values["rendered"] > 30


@pytest.mark.integration
def test_check_names_the_page_the_template_and_the_line_that_break(
    theme: Path, site: dict[str, str]
) -> None:
    (theme / "templates" / "about.html").write_text(
        '{% extends "base.html" %}\n{% block main %}\n{{ view.no_such_thing }}\n{% endblock %}\n'
    )
    result = run("check", str(theme), **site)
    assert result.exit_code == 1
    assert "/about/: templates/about.html:3: " in result.output
    assert "1 failure." in result.output


@pytest.mark.integration
def test_check_names_a_template_that_is_none(theme: Path, site: dict[str, str]) -> None:
    (theme / "templates" / "about.html").write_text("{% if %}\n")
    result = run("check", str(theme), **site)
    assert "/about/: templates/about.html:1: " in result.output
