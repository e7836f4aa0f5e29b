"""The news of a week by name, for first sentences and subjects."""

from typing import NamedTuple

from publishers.views.text.formatting import VERDICTS
from schemas.digests import Flip, MergedTool, PanelChange, WeeklyDigest
from schemas.records import Verdict
from schemas.text.isolation import isolate

MAX_OF_EACH_KIND = 2

_RANK: dict[Verdict, int] = {"none": -1, "skip": 0, "split": 1, "ship": 2}


class News(NamedTuple):
    """One piece of news, as a part of a sentence and as a part of a subject."""

    sentence: str
    subject: str


def sentence(digest: WeeklyDigest) -> str:
    """`Jury Duty drops to Skip; voters turn to Ship on Meridian Index.`; empty without news."""
    text = "; ".join(news.sentence for news in _news(digest))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def subject(digest: WeeklyDigest) -> str:
    """`Jury Duty drops to Skip, Meridian Index flips to Ship`; empty without news."""
    return ", ".join(news.subject for news in _news(digest))


def _news(digest: WeeklyDigest) -> list[News]:
    """Verdicts of panel and community; in a week without any, the new tools, then the merges."""
    verdicts = [
        *map(_of_panel, digest.panel_changes[:MAX_OF_EACH_KIND]),
        *map(_of_community, digest.flips[:MAX_OF_EACH_KIND]),
    ]
    return (
        verdicts
        or [_of_new_tool(tool.name) for tool in digest.new_tools[:MAX_OF_EACH_KIND]]
        or [_of_merge(merged) for merged in digest.merges[:MAX_OF_EACH_KIND]]
    )


def _of_panel(change: PanelChange) -> News:
    name, before, after = isolate(change.name), change.before.verdict, change.after.verdict
    if after == "none":
        text = f"{name} loses its verdict"
    elif before == "none":
        text = f"{name} starts at {VERDICTS[after]}"
    else:
        verb = "rises" if _RANK[after] > _RANK[before] else "drops"
        text = f"{name} {verb} to {VERDICTS[after]}"
    return News(text, text)


def _of_community(flip: Flip) -> News:
    name, after = isolate(flip.name), flip.after.verdict
    if after == "split":
        return News(f"voters split on {name}", f"{name} voters split")
    if after == "none":
        return News(f"voters leave {name}", f"{name} loses its votes")
    verdict = VERDICTS[after]
    return News(
        f"voters turn to {verdict} on {name}",
        f"{name} flips to {verdict}",
    )


def _of_new_tool(name: str) -> News:
    text = f"{isolate(name)} is new"
    return News(text, text)


def _of_merge(merged: MergedTool) -> News:
    text = f"{isolate(merged.merged_name)} is now {isolate(merged.name)}"
    return News(text, text)
