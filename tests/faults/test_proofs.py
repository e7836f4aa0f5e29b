"""Fault 18: without a safeguard the tests fail, or they would prove nothing."""

from pathlib import Path

import pytest

from tests.faults.harness.brokers import Cluster
from tests.faults.harness.copies import Safeguard, Servers, copy_without, run_in, text_without

KILLED = (
    "test_worker_killed.py"
    "::test_a_worker_killed_anywhere_in_a_batch_loses_nothing_and_repeats_nothing"
)
MAILER_KILLED = (
    "mail/test_killed.py"
    "::test_a_mailer_killed_at_any_step_sends_nothing_twice_and_leaves_nobody_out"
)

FENCE = Safeguard(
    "the fence",
    "projections/write/checkpoints.py",
    {"    where next_offset = move.expected\n": ""},
    "test_ownership.py::test_of_stopped_workers_and_their_successor_one_applies_each_batch",
)
OUTBOX = Safeguard(
    "the outbox in the transaction",
    "projections/write/store.py",
    {
        "            changed_keys.add(connection, *changed)\n": "",
        "def apply_writes(": (
            "def _announce(engine, changed):\n"
            "    with engine.begin() as connection:\n"
            "        changed_keys.add(connection, *changed)\n\n\n"
            "def apply_writes("
        ),
        "notify(connection, Channel.APPLIED, map(_reached, batches))\n": (
            "notify(connection, Channel.APPLIED, map(_reached, batches))\n"
            "    if not quiet:\n"
            "        _announce(engine, changed)\n"
        ),
    },
    KILLED,
)
ORDER = Safeguard(
    "the order of acknowledgement",
    "projections/write/store.py",
    {
        "        changed = apply_writes(connection, writes)\n": (
            "    with engine.begin() as connection:\n"
            "        changed = apply_writes(connection, writes)\n"
        ),
    },
    KILLED,
)

ANSWER = Safeguard(
    "the answer after the acknowledgement",
    "streams/api/ingest/endpoint.py",
    {
        "        outcomes = await self._producer.send_all([record for _, record in valid])\n": (
            "        from infra.kafka.delivery import Delivery\n"
            "        self._producer.send_all([record for _, record in valid])\n"
            "        outcomes = [Delivery(record.topic, 0, 0) for _, record in valid]\n"
        )
    },
    "test_ingest.py::test_without_two_of_three_brokers_nothing_is_acknowledged",
)
LETTER = Safeguard(
    "the dead letter before the checkpoint",
    "streams/processing/projector.py",
    {
        (
            "        if batch.unusable:\n"
            "            await _SETTING_ASIDE.run(self._dead_letters.write, batch.unusable)\n"
            "        outcome = await self._commit_batch(batch)\n"
            "        if isinstance(outcome, Mismatch):\n"
            "            recording.mismatched(self._partition.topic)\n"
            "            return outcome\n"
        ): (
            "        outcome = await self._commit_batch(batch)\n"
            "        if isinstance(outcome, Mismatch):\n"
            "            recording.mismatched(self._partition.topic)\n"
            "            return outcome\n"
            "        if batch.unusable:\n"
            "            await _SETTING_ASIDE.run(self._dead_letters.write, batch.unusable)\n"
        )
    },
    "test_poison.py::test_without_a_topic_for_dead_letters_nothing_is_skipped",
)
JOURNAL = Safeguard(
    "the journal of mails",
    "publishers/mailer/delivery/connection_pool.py",
    {"lambda: job.journal.intend(job.mail, job.attempt)": "lambda: None"},
    MAILER_KILLED,
)
CLAIM = Safeguard(
    "the claim of mails",
    "projections/private/ledger/claims.py",
    {
        "    set state = 'sending', attempts = mail.attempts + 1,": (
            "    set attempts = mail.attempts + 1,"
        ),
        "mail.state in ('sending', 'ambiguous')\n": (
            "mail.state in ('queued', 'sending', 'ambiguous')\n"
        ),
    },
    MAILER_KILLED,
)
ROW = Safeguard(
    "the one row for each mail",
    "infra/migrations/versions/0013_mail_ledger.py",
    {
        "    reply      text        not null default '',\n    primary key (week, subscriber)\n": (
            "    reply      text        not null default ''\n"
        )
    },
    "mail/test_two_mailers.py::test_an_issue_that_is_started_by_many_at_once_has_one_mail_for_each",
)
QUICK, LONG = (OUTBOX, JOURNAL), (FENCE, ORDER, ANSWER, LETTER, CLAIM, ROW)


@pytest.mark.parametrize("safeguard", [*QUICK, *LONG], ids=lambda safeguard: safeguard.name)
def test_a_safeguard_can_be_taken_out_of_the_code_as_it_is(safeguard: Safeguard) -> None:
    compile(text_without(safeguard), safeguard.file, "exec")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "safeguard",
    [*QUICK, *(pytest.param(proof, marks=pytest.mark.long) for proof in LONG)],
    ids=lambda safeguard: safeguard.name,
)
def test_without_a_safeguard_the_tests_fail(
    safeguard: Safeguard, tmp_path: Path, one_broker: Cluster, postgres: str
) -> None:
    copy = copy_without(safeguard, tmp_path / "copy")
    servers = Servers(postgres, one_broker.direct, one_broker.through_proxies)
    done = run_in(copy, safeguard.test, servers)
    print(done.stdout[-5000:], done.stderr[-2000:])
    assert done.returncode == 1, "it passed, so it does not notice"
    assert "AssertionError" in done.stdout
