"""The verbs of operators, as they are typed."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.cli.failures import describe
from infra.cli.main import verdicts
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.reader import LogRecord
from infra.postgres import engine as databases
from infra.settings import Settings
from schemas.topics import REVIEWS, VOTES
from tests.harness.examples import NOON, a_vote
from tests.harness.kafka import write_dead_letter

pytestmark = pytest.mark.integration
Run = Callable[..., Result]


@pytest.fixture
def run(cluster: dict[str, str], projected_url: str, tmp_path: Path) -> Run:
    """Types a command in an installation of the test's own, but for the log, which is shared."""
    environ = {
        "VERDICTS_DATA": str(tmp_path),
        **cluster,
        "DATABASE_URL": projected_url,
        "VERDICTS_SECRET_KEY": "s" * 32,
        "VERDICTS_VOTER_KEY": "v" * 32,
    }
    return lambda *words: CliRunner().invoke(verdicts, [*map(str, words)], env=environ)


def parse_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def voter(cluster: dict[str, str], unique: Callable[[str], str]) -> str:
    """Somebody who has voted twice, an hour apart."""
    name, codec = unique("voter"), Codec()
    producer = create_producer(at(cluster))
    for number in range(2):
        vote = a_vote(voter=name, id=f"{name}-{number}", time=NOON + number * 3_600_000_000)
        producer.produce(VOTES.name, codec.encode(vote), name.encode())
    producer.flush()
    return name


def test_records_are_published_again_by_kind(run: Run) -> None:
    assert parse_json(run("topics", "republish", "digest", "--json")) == {"queued": 0}
    refused = run("topics", "republish", "vote")
    assert (refused.exit_code, "'vote' is not one of" in refused.output) == (2, True)


def at(cluster: dict[str, str]) -> Settings:
    return Settings.from_environment(cluster)


def test_the_last_events_are_shown_a_line_each(run: Run, voter: str) -> None:
    plain = run("events", "tail", "--key", voter).stdout.splitlines()
    assert [line[:20] for line in plain] == ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"]
    lines = run("events", "tail", "--key", voter, "-n", 1, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"{voter}-1"]


def test_an_event_is_found_by_place_and_by_id(run: Run, voter: str) -> None:
    (by_id,) = parse_json(run("events", "show", f"{voter}-0", "--type", "vote.cast", "--json"))
    position = f"votes/{by_id['partition']}/{by_id['offset']}"
    assert parse_json(run("events", "show", position, "--json")) == [by_id]
    missing = run("events", "show", "votes/0/999999999")
    assert (missing.exit_code, missing.stdout) == (1, "There is no event votes/0/999999999.\n")
    assert run("events", "show", "votes/first/1").exit_code == 2


def test_events_are_counted(run: Run, voter: str) -> None:
    since = ("--key", voter, "--since", "2026-11-20T12:30:00Z")
    assert parse_json(run("events", "count", *since, "--json")) == {
        "by": "type",
        "counts": {"vote.cast": 1},
        "total": 1,
    }
    assert "2026-11-20T13" in run("events", "count", "--by", "hour", "--key", voter).stdout


def test_what_does_not_exist_is_said_in_a_sentence(run: Run) -> None:
    error = run("events", "count", "--topic", "nope").exception
    assert isinstance(error, Exception)
    assert describe(error).startswith("There is no topic of events 'nope'; there are catalog")


@pytest.fixture
def add_dead_letter(
    cluster: dict[str, str], unique: Callable[[str], str]
) -> Callable[[bytes], str]:
    """Writes a dead letter with a value; gives its key."""

    def write(value: bytes) -> str:
        key = unique("letter")
        record = LogRecord(REVIEWS.name, 2, abs(hash(key)), 1, key.encode(), value)
        write_dead_letter(at(cluster), record, UndecodableError("broken Avro"))
        return key

    return write


def number_of(run: Run, key: str) -> int:
    dead_letters = parse_json(run("deadletters", "list", "--all", "--json"))
    encoded = base64.b64encode(key.encode()).decode()
    (number,) = (
        dead_letter["number"] for dead_letter in dead_letters if dead_letter["key"] == encoded
    )
    return int(number)


def test_a_dead_letter_is_looked_at_sent_again_and_settled(
    run: Run, add_dead_letter: Callable[[bytes], str]
) -> None:
    number = number_of(run, add_dead_letter(b"garbage"))
    shown = parse_json(run("deadletters", "show", number, "--json"))
    assert shown["now"] == "cannot be applied: not in the Confluent wire format"
    assert "67 61 72 62" in run("deadletters", "show", number).stdout
    refused = run("deadletters", "replay", number).exception
    assert isinstance(refused, Exception)
    assert "use --force" in describe(refused)
    assert (
        f"{number}  now {REVIEWS.name}/" in run("deadletters", "replay", number, "--force").stdout
    )
    assert f"{number} " not in run("deadletters", "list", "--topic", "catalog").stdout
    again = run("deadletters", "replay", number)
    assert f"Dead letter {number} is replayed: now {REVIEWS.name}" in again.output


def test_what_the_database_refused_is_not_said_to_be_appliable(
    run: Run, cluster: dict[str, str], unique: Callable[[str], str]
) -> None:
    key, value = unique("letter"), Codec().encode(a_vote())
    for error, now in (
        (UndecodableError("no such schema yet"), "can be applied"),
        (ValueError("numeric field overflow"), "can be read, but the database refused it"),
    ):
        record = LogRecord(VOTES.name, 2, abs(hash(key + now)), 1, f"{key} {now}".encode(), value)
        write_dead_letter(at(cluster), record, error)
        shown = parse_json(run("deadletters", "show", number_of(run, f"{key} {now}"), "--json"))
        assert shown["now"].startswith(now)
        assert shown["event"]["type"] == "vote.cast"


def test_a_dead_letter_is_discarded_with_a_reason(
    run: Run, add_dead_letter: Callable[[bytes], str]
) -> None:
    number = number_of(run, add_dead_letter(b"garbage"))
    assert run("deadletters", "discard", number).exit_code == 2  # without one
    done = run("deadletters", "discard", number, "--reason", "a test", "--json")
    assert parse_json(done) == {"discarded": [number]}
    assert parse_json(run("deadletters", "show", number, "--json"))["note"] == "a test"


def test_letters_are_named_or_all_are_meant(run: Run) -> None:
    for words in (("replay",), ("replay", 1, "--all"), ("discard", "--reason", "x")):
        assert run("deadletters", *words).exit_code == 2
    assert "There is no dead letter 999999" in run("deadletters", "show", 999999).output


def test_the_log_is_exported_and_verified(run: Run, voter: str, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    manifest = parse_json(run("log", "export", folder, "--json"))
    assert manifest["records"] >= 2
    assert parse_json(run("log", "verify", folder, "--against-log", "--json"))["verified"]
    refused = run("log", "import", folder).exception
    assert isinstance(refused, Exception)
    assert describe(refused).startswith("The log is not empty")


def test_the_doctor_tells_what_is_wrong_and_its_status_says_so(run: Run) -> None:
    result = run("doctor", "--json")
    findings = json.loads(result.stdout)["findings"]
    failing = {finding["check"] for finding in findings if finding["verdict"] == "fail"}
    assert "services" in failing  # nobody works here
    assert result.exit_code == 1
    assert "→ Start it." in run("doctor").stdout


def test_a_log_that_has_grown_still_holds_what_was_exported(
    run: Run, cluster: dict[str, str], voter: str, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    parse_json(run("log", "export", folder, "--json"))
    producer = create_producer(at(cluster))
    producer.produce(VOTES.name, Codec().encode(a_vote(voter=voter)), voter.encode())
    assert not producer.flush(10)
    assert parse_json(run("log", "verify", folder, "--against-log", "--json"))["verified"]


def test_the_doctor_sees_that_nothing_runs(tmp_path: Path) -> None:
    result = CliRunner().invoke(verdicts, ["doctor"], env={"VERDICTS_DATA": str(tmp_path)})
    assert result.exit_code == 1
    assert "Start it: verdicts up" in result.stdout


def test_lag_is_told_in_events_and_in_seconds(run: Run, voter: str, projected_url: str) -> None:
    (vote,) = parse_json(run("events", "show", f"{voter}-1", "--json"))
    engine = databases.create_engine(projected_url, name="verdicts tests")
    with engine.begin() as connection:
        row = f"('{VOTES.name}', {vote['partition']}, 'id', {vote['offset']})"
        connection.exec_driver_sql(f"insert into checkpoints values {row}")
    engine.dispose()
    topic_partition = VOTES.name, vote["partition"]
    positions = parse_json(run("projections", "status", "--json"))
    (position,) = (
        status for status in positions if (status["topic"], status["partition"]) == topic_partition
    )
    assert position["lag"] >= 1
    assert position["seconds"] > 0
    assert "seconds" in run("projections", "status").stdout
