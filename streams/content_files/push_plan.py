"""What a push does: three-way comparison of files, the site, and what both were at the last pull.

What only the files changed is sent. What only the site changed is newer there and left alone. What
both changed is a conflict.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from schemas.events import Data
from streams.content_files.checks import references_of
from streams.content_files.model import KINDS, ContentFile, kind_of
from streams.content_files.site_content import digest_of

Action = Literal["add", "change", "remove", "stay", "behind", "conflict"]


class PlanStep(msgspec.Struct, frozen=True):
    """What happens with one file.

    Attributes:
        path: Of the file.
        action: `add`, `change` and `remove` are sent; `stay`: not now; `behind`: the site is
            newer; `conflict`: both have changed.
        local: What the file says; None where there is no file.
        site: What the site says; None where it has none.
        base: The digest of what both said at the last pull; None where that is unknown.
        why: A clause for people, where the action alone does not say it.
    """

    path: str
    action: Action
    local: Data | None = None
    site: Data | None = None
    base: str | None = None
    why: str = ""


def make_plan(
    files: Mapping[str, ContentFile],
    site: Mapping[str, Data],
    base: Mapping[str, str],
    now: int,
    unreadable: Iterable[str] = (),
) -> list[PlanStep]:
    """Compare; files that agree with the site have no step.

    Args:
        files: The readable files by path.
        site: What the site says, by path.
        base: Digests of what files and site both said at the last pull or push, by path.
        now: Microseconds since 1970; what is to be published later stays.
        unreadable: Paths of files with errors, which are not gone.
    """
    staying = _staying(files, now)
    steps = []
    for path in {**files, **site}:
        if path in unreadable:
            continue
        file = files.get(path)
        local, remote = file.data if file else None, site.get(path)
        if file and path in staying:
            if remote is None or digest_of(file.data) != digest_of(remote):
                steps.append(PlanStep(path, "stay", local, remote, base.get(path), staying[path]))
        elif step := _compare(path, local, remote, base.get(path)):
            steps.append(step)
    return sorted(_without_reviews_of_removed_tools(steps), key=_sending_order)


def to_send(plan: Iterable[PlanStep], *, remove: bool) -> list[PlanStep]:
    """The steps that become events, in the order of sending."""
    wanted = {"add", "change", *(["remove"] if remove else [])}
    return [step for step in plan if step.action in wanted]


def _staying(files: Mapping[str, ContentFile], now: int) -> dict[str, str]:
    """The files that stay home, with the reason; what refers to one of them stays with it."""
    reasons = {
        file.path: "it is a draft" if file.draft else "its time to be published has not come"
        for file in files.values()
        if not file.is_due(now)
    }
    for _ in range(2):  # a review refers to a tool, which refers to a category
        for file in files.values():
            for _, kind, slug in references_of(file):
                target = f"{kind}/{slug}.md"
                if target in reasons and file.path not in reasons:
                    reasons[file.path] = f"it waits for {target}"
    return reasons


def _compare(path: str, local: Data | None, site: Data | None, base: str | None) -> PlanStep | None:
    ours = digest_of(local) if local else None
    theirs = digest_of(site) if site else None
    if ours == theirs:
        return None
    action, why = _decide(ours, theirs, base)
    return PlanStep(path, action, local, site, base, why) if action else None


def _decide(ours: str | None, theirs: str | None, base: str | None) -> tuple[Action | None, str]:
    if ours is None:
        if base is None:
            return "behind", "it is new on the site"
        if base == theirs:
            return "remove", ""
        return "conflict", "the file is gone, and the site has changed since the last pull"
    if theirs is None:
        if base is None:
            return "add", ""
        if base == ours:
            return "behind", "it is gone from the site"
        return "conflict", "the file has changed, and the site no longer shows it"
    if base == theirs:
        return "change", ""
    if base == ours:
        return "behind", "it has changed on the site"
    if base is None:
        return "conflict", "the site shows another version, and nothing says which is newer"
    return "conflict", "both have changed since the last pull"


def _without_reviews_of_removed_tools(steps: list[PlanStep]) -> Iterator[PlanStep]:
    """A tool that is retired takes its reviews along; they need no retraction."""
    removed = {step.path for step in steps if step.action == "remove"}
    for step in steps:
        kind, _, slugs = step.path.partition("/")
        tool = f"tools/{slugs.partition('/')[0]}.md"
        if not (step.action == "remove" and kind == "reviews" and tool in removed):
            yield step


def _sending_order(step: PlanStep) -> tuple[int, str]:
    kinds = list(KINDS)
    return kinds.index(kind_of(step.path)), step.path
