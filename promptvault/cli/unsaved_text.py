"""Files of unsaved edits, in the temporary folder."""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from promptvault.cli import terminal

_NAME = re.compile(r"promptvault-(?:(\d+)-)?.+\.md")
_LONGEST = 40
"""Characters of the prompt's name in the name of its file."""
_MOST_NAMED = 5


class Unsaved(NamedTuple):
    """A file with an unsaved text."""

    path: Path
    modified_at: datetime


def create_file(name: str, text: str) -> Path:
    """Write *text* to a new file for the editor, and return its path.

    The file name holds the prompt's *name*, for the user, and the process id, which
    shows that the file is in use.
    """
    part = name.replace("/", "_")[-_LONGEST:]
    descriptor, path = tempfile.mkstemp(f"-{part}.md", f"promptvault-{os.getpid()}-")
    with open(descriptor, "wb") as file:
        file.write(text.encode())
    return Path(path)


def find_unsaved() -> list[Unsaved]:
    """Return the non-empty files of edits that have ended, oldest first."""
    found: list[Unsaved] = []
    with contextlib.suppress(
        OSError
    ):  # no temporary folder, or a file was just removed
        found.extend(_unsaved())
    return sorted(found, key=lambda unsaved: unsaved.modified_at)


def _unsaved() -> Iterator[Unsaved]:
    with os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if not name or (name[1] and _is_running(int(name[1]))):
                continue
            about = entry.stat(follow_symlinks=False)
            # Other users may have files there.
            if stat.S_ISREG(about.st_mode) and about.st_size and _is_own(about):
                modified = datetime.fromtimestamp(about.st_mtime, UTC)
                yield Unsaved(Path(entry.path), modified)


def _is_own(about: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or about.st_uid == os.getuid()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def note_unsaved(found: Sequence[Unsaved]) -> None:
    """Report the files of unsaved edits on stderr."""
    for path, modified_at in found[-_MOST_NAMED:]:
        time = modified_at.astimezone().strftime("%Y-%m-%d %H:%M")
        terminal.note(f"An edit of {time} was not saved: its text is in {path}.")
    if len(found) > _MOST_NAMED:
        terminal.note(f"{len(found) - _MOST_NAMED} older ones are in the same folder.")
    if found:
        terminal.note(
            "'promptvault add NAME --upsert --file PATH' saves one; then delete it."
        )
