import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra.embedded.ports import LOOPBACK, choose
from infra.telemetry import metrics, recording
from infra.telemetry.metrics import REGISTRY, listen, names
from schemas.channels import ServiceName
from streams.api.status.pipeline_status import MAX_LAG_SECONDS

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "infra" / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "verdicts.json").read_text())
RULES = yaml.safe_load((DEPLOY / "alerts" / "verdicts.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (alert["expr"] for alert in ALERTS)


def used() -> set[str]:
    named = re.compile(r"\b(?:verdicts|process|python)_[a-z_]+")
    return {name for expression in expressions() for name in named.findall(expression)}


def test_every_metric_on_the_dashboard_and_in_an_alert_exists() -> None:
    assert used() - {"verdicts"} <= set(names())


def test_every_metric_of_ours_is_on_the_dashboard_or_in_an_alert() -> None:
    base = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in names()}
    shown = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in used()}
    assert {name for name in base if name.startswith("verdicts_")} <= shown


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_happens_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["description"].endswith(".")


def test_no_two_panels_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)


def test_a_service_that_ended_or_never_began_fires_an_alert() -> None:
    """Its sign of life goes with it, so there is none that could grow old."""
    (silent,) = (alert["expr"] for alert in ALERTS if alert["alert"] == "VerdictsServiceSilent")
    services = (ServiceName.WORKER, ServiceName.PUBLISHER, ServiceName.MAILER)
    for service in services:
        assert f'absent(verdicts_beat_age_seconds{{service="{service}"}})' in silent
    asked = f'verdicts_beat_age_seconds{{service=~"{"|".join(services)}"}}'
    assert f"min by (service) ({asked}) > " in silent


def test_a_rebuild_beside_the_live_generation_fires_no_alert() -> None:
    """Whoever asks for lag without saying of which projection asks for that of the live one."""
    live = r"verdicts_lag_seconds and on \(projection\) verdicts_live_generation"
    (behind,) = (alert["expr"] for alert in ALERTS if alert["alert"] == "VerdictsBehind")
    (stat,) = (panel for panel in DASHBOARD["panels"] if panel["title"] == "Behind the log")
    for expression in (behind, stat["targets"][0]["expr"]):
        assert re.search(live, expression)
        assert "verdicts_lag" not in re.sub(live, "", expression)
    assert metrics.LAG_SECONDS.labels[0] == metrics.LIVE_GENERATION.labels[0] == "projection"


def test_pages_that_fall_behind_are_an_alarm_as_they_are_a_fault_of_the_status() -> None:
    pages = 'verdicts_queue_age_seconds{queue="pages"}'
    (behind,) = (alert["expr"] for alert in ALERTS if alert["alert"] == "VerdictsPagesBehind")
    assert behind == f"max({pages}) > {MAX_LAG_SECONDS}"
    (stat,) = (panel for panel in DASHBOARD["panels"] if panel["title"] == "Behind the log")
    assert pages in stat["targets"][0]["expr"]


def test_processes_are_ours_by_what_they_expose_and_not_by_the_name_of_their_job() -> None:
    panels = [expression for expression in expressions() if "process_" in expression]
    assert panels
    for expression in panels:
        assert "job=" not in expression
        (marker,) = re.findall(r" and on \(job, instance\) (\w+)$", expression)
        assert marker.startswith("verdicts_")
        assert REGISTRY.get_sample_value(marker) is not None  # with no label, so from the start


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_batch_is_measured_when_it_is_applied() -> None:
    recording.applied("t1", records=2, oldest=0, seconds=0.1)
    assert value("verdicts_events_applied_total", topic="t1") == 2
    assert value("verdicts_batch_records_sum", topic="t1") == 2
    assert value("verdicts_apply_seconds_count", topic="t1") == 1
    assert value("verdicts_event_age_seconds_bucket", topic="t1", le="+Inf") == 1
    assert value("verdicts_fence_misses_total", topic="t1") == 0


def test_a_mismatched_batch_counts_as_a_mismatch_alone() -> None:
    recording.mismatched("t2")
    assert value("verdicts_fence_misses_total", topic="t2") == 1
    assert value("verdicts_events_applied_total", topic="t2") == 0


def test_relay_publisher_and_dead_letters_are_counted_by_kind() -> None:
    before = value("verdicts_pages_rendered_total", outcome="unchanged")
    recording.relayed(["tool", "tool", "digest"], 0.1)
    recording.pages(rendered=5, changed=2)
    recording.built(seconds=0.1)
    recording.dead_lettered(["t3", "t3"])
    assert value("verdicts_changes_relayed_total", kind="tool") >= 2
    assert value("verdicts_pages_rendered_total", outcome="unchanged") == before + 3
    assert value("verdicts_dead_letters_total", topic="t3") == 2


def test_mails_are_counted_by_kind_and_outcome() -> None:
    before = value("verdicts_mails_total", kind="digest", outcome="sent")
    recording.mail_attempted("digest", "sent")
    recording.mail_returned("complaint")
    assert value("verdicts_mails_total", kind="digest", outcome="sent") == before + 1
    assert value("verdicts_returned_mails_total", kind="complaint") >= 1


# Asked of a process of its own: others may have counted in this one.
BURIED = """
from infra.telemetry import recording
from infra.telemetry.metrics import REGISTRY
from schemas.topics import EVENT_TOPICS

for topic in EVENT_TOPICS:
    assert REGISTRY.get_sample_value("verdicts_dead_letters_total", {"topic": topic.name}) == 0
for name, labels in (
    ("verdicts_mails_total", {"kind": "digest", "outcome": "ambiguous"}),
    ("verdicts_returned_mails_total", {"kind": "complaint"}),
):
    assert REGISTRY.get_sample_value(name, labels) == 0
"""


def test_what_an_alert_waits_for_is_counted_from_zero() -> None:
    """A series that begins with its first burst shows no increase."""
    subprocess.run([sys.executable, "-c", BURIED], cwd=ROOT, check=True)


def test_a_process_without_http_serves_its_metrics_at_the_configured_address(
    tmp_path: Path,
) -> None:
    port = choose(tmp_path, "metrics")["metrics"]
    listen(f"{LOOPBACK}:{port}")
    answer = httpx.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False)
    assert "verdicts_print_seconds_bucket" in answer.text
    listen(f"{LOOPBACK}:{port}")  # taken now: said, and no reason to end


def test_without_an_address_nothing_listens() -> None:
    listen("")


def test_no_name_is_used_twice() -> None:
    families = [family.name for family in metrics.FAMILIES]
    counted = [metric.name for metric in REGISTRY.collect()]
    assert len(set(families) | set(counted)) == len(families) + len(counted)
