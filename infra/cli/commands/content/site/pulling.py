"""A pull: writes the site's content to files, and leaves edits that are not on the site alone."""

from infra.cli.commands.content.site.folder import ContentFolder, ContentState
from streams.content_files.format.writing import write_file
from streams.content_files.pull_plan import FileUpdate, plan_pull
from streams.content_files.site_content import SiteRecords, digest_of


def pull(
    folder: ContentFolder, site: SiteRecords, state: ContentState, *, force: bool
) -> list[FileUpdate]:
    """Update the files, remember what they are like, and return what differed.

    A file that says the same as the site keeps its bytes, whatever its format is.

    Args:
        folder: The files.
        site: What the site says.
        state: What the folder remembers; changed and written.
        force: Whether the site wins where both have changed.
    """
    contents = folder.read() if folder.path.is_dir() else {}
    checked = folder.check() if contents else None
    files = checked.files if checked else {}
    unreadable = {path: text for path, text in contents.items() if path not in files}
    updates = []
    for update in plan_pull(files, unreadable, site.files(), state.base):
        resolved = _forced(update) if force else update
        _apply(folder, state, resolved)
        if resolved.action != "same":
            updates.append(resolved)
    state.stamps.clear()  # they belong to the site of before
    folder.write_state(state)
    return updates


def _forced(update: FileUpdate) -> FileUpdate:
    if update.action != "conflict":
        return update
    action = "write" if update.site is not None else "delete"
    return FileUpdate(update.path, action, update.site, update.local)  # type: ignore[arg-type]


def _apply(folder: ContentFolder, state: ContentState, update: FileUpdate) -> None:
    if update.action == "write" and update.site is not None:
        folder.write(update.path, write_file(update.site))
    elif update.action == "delete":
        folder.delete(update.path)
    if update.action == "conflict":
        return  # the base stays what it was until an editor has decided
    if update.site is not None:
        state.base[update.path] = digest_of(update.site)
    else:
        state.base.pop(update.path, None)
