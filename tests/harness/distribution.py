"""Which test files run in one process, and in which order files are taken up.

A process that has ended one file takes up the next of the list. Long files come first, so that all
processes end with short ones, and at about the same time.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

_E2E, _FAULTS = "tests/e2e", "tests/faults"
# They share a running system, which is slow to start and busy while it waits. The first one wants
# it small; what the last one leaves behind, no other would like to find.
_ON_ONE_SYSTEM = (
    *("content", "comparison", "accounts", "site", "subscriptions", "voting", "without_script"),
    "openapi",
)
_ON_THREE_BROKERS = ("ingest", "replication")
_TOGETHER = {
    **{f"{_E2E}/test_{name}.py": "a running system" for name in _ON_ONE_SYSTEM},
    **{f"{_FAULTS}/test_{name}.py": "three brokers" for name in _ON_THREE_BROKERS},
}
LONG = (
    *_TOGETHER,
    f"{_E2E}/test_up.py",
    "tests/infra/supervisor/test_supervisor.py",
    "tests/infra/embedded/test_kafka_credentials.py",
    f"{_E2E}/test_readme.py",
    "tests/streams/rebuild/test_promoting.py",
    "tests/publishers/mailer/test_issues.py",
    "tests/publishers/web/test_access.py",
    "tests/streams/rebuild/test_service.py",
    "tests/infra/cli/doctor/test_run.py",
    "tests/streams/test_worker.py",
    "tests/publishers/web/test_script.py",
    "tests/infra/cli/content/test_preview.py",
    "tests/streams/rebuild/test_restore.py",
    "tests/publishers/mailer/test_service.py",
    "tests/publishers/pages/test_atom_feeds.py",
    "tests/publishers/test_publisher.py",
)
"""Files that take half a minute and more, the longest first; `tests/house` finds them all."""


class Distribution(LoadFileScheduling):
    """Gives whole files to processes; those that share what is dear go to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)


def shared_by(nodeid: str) -> str:
    """What the tests of a file share with those of others, or else the file."""
    file = nodeid.partition("::")[0]
    return _TOGETHER.get(file, file)


def place(item: pytest.Item) -> int:
    """Where a test stands among all: a key to sort by."""
    for number, long in enumerate(LONG):
        if item.nodeid.startswith(long):
            return number
    return len(LONG)
