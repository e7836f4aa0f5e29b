"""`verdicts subscribers`: operators add, import, suppress and erase; nobody who left comes back."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from infra.cli.failures import describe
from infra.cli.main import verdicts

pytestmark = pytest.mark.integration
JANE, JO = "Jane@example.com", "jo@example.com"
FILE = f"""\
email,source,time
{JANE},PyCon table,2026-05-04
{JO},old site,2026-05-04
broken,old site,2026-05-04
{JANE.upper()},old site,2026-05-04
"""


class Operator:
    """Someone at a terminal.

    Attributes:
        engine: The database.
        file: A CSV file with two subscribers, a broken line and a repeated one.
    """

    def __init__(self, engine: Engine, database: str, folder: Path) -> None:
        self.engine = engine
        self.file = folder / "readers.csv"
        self.file.write_text(FILE)
        self.environment = {
            "DATABASE_URL": database,
            "VERDICTS_SECRET_KEY": "signs cookies in tests",
            "VERDICTS_VOTER_KEY": "hides voters in tests",
        }

    def runs(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(verdicts, ["subscribers", *arguments])

    def reads(self, *arguments: str) -> Any:
        return json.loads(self.runs(*arguments, "--json").output)

    def adds(self, address: str, *more: str) -> Result:
        return self.runs("add", address, "--source", "booth", *more)

    def addresses(self) -> list[str]:
        with self.engine.connect() as connection:
            query = "select address from verdicts.subscribers order by canonical"
            return list(connection.scalars(text(query)))


@pytest.fixture
def operator(projected: Engine, migrated: str, tmp_path: Path) -> Operator:
    return Operator(projected, migrated, tmp_path)


def test_an_import_reports_every_line_and_keeps_the_proof_of_consent(operator: Operator) -> None:
    done = operator.runs("import", str(operator.file))
    assert done.exit_code == 1  # a line is invalid
    assert done.output.splitlines() == [
        "line 2: added: Jane@example.com",
        "line 3: added: jo@example.com",
        "line 4: invalid: broken. An email address must have an @-sign.",
        "line 5: repeated: JANE@EXAMPLE.COM. As on line 2.",
        "4 lines: 2 added, 1 repeated, 1 invalid.",
    ]
    shown = operator.reads("show", "JANE@example.com")
    assert (shown["consent_source"], shown["requested"]) == ("PyCon table", "2026-05-04T00:00:00Z")
    assert shown["state"] == "subscribed"


def test_a_dry_run_reports_the_same_and_changes_nothing(operator: Operator) -> None:
    answer = operator.reads("import", str(operator.file), "--dry-run")
    assert answer["counts"] == {"added": 2, "invalid": 1, "repeated": 1}
    assert [line["line"] for line in answer["lines"]] == [2, 3, 4, 5]
    assert operator.addresses() == []


def test_a_second_import_adds_nobody(operator: Operator) -> None:
    operator.runs("import", str(operator.file))
    answer = operator.reads("import", str(operator.file))
    assert answer["counts"] == {"present": 2, "invalid": 1, "repeated": 1}


@pytest.mark.parametrize("leave", ["erase", "suppress"])
def test_who_was_erased_or_suppressed_is_not_imported_again(operator: Operator, leave: str) -> None:
    operator.runs("import", str(operator.file))
    operator.runs(leave, JANE.lower())
    operator.runs("erase", JO)
    operator.runs("import", str(operator.file))
    assert operator.addresses() == ([] if leave == "erase" else [JANE])
    assert operator.adds(JO).exit_code == 1
    with operator.engine.connect() as connection:
        rows = connection.execute(text("select * from verdicts.suppressions")).all()
    assert "example" not in str(rows)


def test_a_file_in_another_encoding_is_refused_with_a_sentence(operator: Operator) -> None:
    operator.file.write_bytes("email,source,time\nj\xe4ne@example.com,x,2026\n".encode("latin-1"))
    error = operator.runs("import", str(operator.file)).exception
    assert isinstance(error, Exception)
    assert "not in UTF-8" in describe(error)
    assert operator.addresses() == []


def test_one_subscriber_is_added_listed_and_shown(operator: Operator) -> None:
    assert operator.adds(JANE, "--frequency", "monthly", "--timezone", "Asia/Tokyo").exit_code == 0
    (listed,) = operator.reads("list")
    assert (listed["address"], listed["frequency"]) == (JANE, "monthly")
    assert JANE in operator.runs("list").output
    assert operator.reads("list", "--state", "suppressed") == []
    assert operator.adds(JANE).output.startswith(f"{JANE} was not added. It has a subscription.")
    assert operator.runs("show", JO).exit_code == 1


def test_an_international_domain_is_listed_with_its_punycode(operator: Operator) -> None:
    operator.adds("jane@münchen.example")
    assert "jane@münchen.example (jane@xn--mnchen-3ya.example)" in operator.runs("list").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "jane", "--source", "x"], "@-sign"),
        (["add", JANE, "--source", "x", "--timezone", "Mars/Base"], "time zone"),
        (["add", JANE, "--source", "x", "--topic", "cars"], "no category"),
        (["add", JANE, "--source", "x", "--time", "soon"], "must be a date"),
        (["show", "jane"], "@-sign"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    operator: Operator, arguments: list[str], words: str
) -> None:
    error = operator.runs(*arguments).exception
    assert isinstance(error, Exception)
    assert words in describe(error)
    assert operator.addresses() == []


def test_a_suppression_can_be_lifted(operator: Operator) -> None:
    operator.runs("suppress", JANE)
    assert operator.reads("show", JANE)["suppression"]["reason"] == "operator"
    operator.runs("suppress", JANE, "--lift")
    assert operator.adds(JANE).exit_code == 0


def test_an_export_goes_to_a_file_or_to_standard_output(operator: Operator, tmp_path: Path) -> None:
    operator.adds(JANE)
    operator.adds(JO)
    header, *lines = operator.runs("export").output.splitlines()
    assert header.startswith("email,source,time,")
    assert [line.partition(",")[0] for line in lines] == [JANE, JO]
    copy = tmp_path / "copy.csv"
    operator.runs("export", str(copy))
    assert copy.read_bytes().decode().splitlines() == [header, *lines]
    operator.runs("erase", JANE)
    answer = operator.reads("import", str(copy))
    assert answer["counts"] == {"suppressed": 1, "present": 1}
