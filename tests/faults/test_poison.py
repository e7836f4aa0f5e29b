"""Faults 7, 10 and 11: code that fails, records that cannot be applied, no place for the dead."""

import random
from collections.abc import Callable, Iterator

from infra.kafka.codec import HEADER, MAGIC, Codec
from schemas.topics import DEAD_LETTERS, VOTES
from streams.deadletters.model import DeadLetter
from streams.deadletters.replay import DeadLetterReplay
from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.checks.subscriber import require_faithful_changes
from tests.faults.harness.content import TOOLS, Crowd, catalog_events
from tests.faults.harness.system import System
from tests.harness.examples import a_vote
from tests.harness.waiting import Stopwatch, wait_until

Report = Callable[[Figures], None]

# Some votes make the code fail: one's a few times and then no more, one's always, as its data do.
FAILING = """
create sequence faults.failures;
create function faults.fail() returns trigger language plpgsql as $$
begin
    if new.voter = 'unlucky' and nextval('faults.failures') < 5 then
        raise exception 'a bad moment';
    elsif new.voter = 'cursed' then
        raise exception 'not these data' using errcode = 'data_exception';
    end if;
    return new;
end
$$;
create trigger fail before insert on projections_1.ballots
for each row execute function faults.fail();
"""
MENDED = "drop trigger fail on projections_1.ballots"


def test_code_that_fails_in_the_middle_of_a_batch_skips_nothing(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    system.worker()
    system.caught_up()
    system.run(FAILING)
    unlucky = a_vote(tool=TOOLS[0], voter="unlucky", id="unlucky")
    cursed = a_vote(tool=TOOLS[0], voter="cursed", id="cursed")
    client.send([*crowd.some(300), unlucky, *crowd.some(300), cursed, *crowd.some(300)])
    watch = Stopwatch()
    system.caught_up()
    assert system.number("select last_value from faults.failures") >= 5
    assert system.number("select count(*) from ballots where voter = 'unlucky'") == 1
    dead_letters = _letters(system)
    assert [Codec().decode(VOTES.name, dead_letter.value).id for dead_letter in dead_letters] == [
        "cursed"
    ]
    system.run(MENDED)
    _redeliver(system, dead_letters)
    system.ledger.sending([cursed])
    system.caught_up()
    require_faithful_changes(system)
    report(system.judged("7 code that fails", watch.seconds, "4 times, and on 1 record for good"))


def test_poison_becomes_dead_letters_and_its_partitions_go_on(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    system.worker()
    system.caught_up()
    system.run(FAILING)
    poison = [value for value in _poison(chances) for _ in range(3)]
    for value in chances.sample(poison, len(poison)):
        client.send_raw(VOTES.name, value, key=b"%d" % chances.randrange(1000))
        client.send(crowd.some(20))
    cursed = a_vote(tool=TOOLS[0], voter="cursed", id="cursed")
    client.send([cursed, *crowd.some(100)])
    watch = Stopwatch()
    system.caught_up()
    dead_letters = _letters(system)
    assert sorted(
        map(
            repr,
            (dead_letter.value for dead_letter in dead_letters if dead_letter.key != b"cursed"),
        )
    ) == sorted(map(repr, poison))
    assert all(
        dead_letter.origin and dead_letter.origin.topic == VOTES.name and dead_letter.reason
        for dead_letter in dead_letters
    )
    system.run(MENDED)
    _redeliver(
        system, [dead_letter for dead_letter in dead_letters if dead_letter.key == b"cursed"]
    )
    system.ledger.sending([cursed])
    system.caught_up()
    assert system.number("select count(*) from ballots where voter = 'cursed'") == 1
    require_faithful_changes(system)
    report(
        system.judged("10 poison", watch.seconds, f"{len(dead_letters)} dead letters, 1 replayed")
    )


def _poison(chances: random.Random) -> Iterator[bytes | None]:
    """Everything that can never be applied."""
    whole = Codec().encode(a_vote())
    yield whole[: chances.randrange(6, len(whole))]
    yield HEADER.pack(MAGIC, 4_000_000_000) + whole[5:]
    yield chances.randbytes(1 << 20)
    yield None
    yield b""
    yield whole + b"and more"
    yield whole.replace(b"v-1", b"v\0\xff")


def test_without_a_topic_for_dead_letters_nothing_is_skipped(
    chances: random.Random, system: System, report: Report
) -> None:
    client, crowd = system.log_client(), Crowd(chances)
    client.send(catalog_events())
    worker = system.worker()
    system.caught_up()
    with system.without_topic(DEAD_LETTERS):
        # The rest of its partition lies behind it.
        client.send_raw(VOTES.name, b"poison", key=b"poison")
        client.send(crowd.some(500))
        wait_until("the worker cannot bury it", lambda: "DeadLettersUnavailable" in worker.logged)
        wait_until("the others go on", lambda: len(system.lagging) == 1)
    watch = Stopwatch()
    system.caught_up()
    assert {dead_letter.value for dead_letter in _letters(system)} == {b"poison"}
    require_faithful_changes(system)
    report(system.judged("11 no place for dead letters", watch.seconds))


def _letters(system: System) -> list[DeadLetter]:
    replay = DeadLetterReplay(system.settings, system.engine, Codec())
    return list(replay.with_values(replay.list_all()))


def _redeliver(system: System, dead_letters: list[DeadLetter]) -> None:
    assert len(
        DeadLetterReplay(system.settings, system.engine, Codec()).replay(dead_letters)
    ) == len(dead_letters)
