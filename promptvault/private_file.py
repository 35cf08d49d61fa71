"""Files that nobody else may read."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def write_private(file: Path, text: str) -> None:
    """Write *file* anew, whole or not at all, for its owner alone; raises OSError."""
    with open_private(file) as target:
        target.write(text)


@contextlib.contextmanager
def open_private(file: Path) -> Iterator[TextIO]:
    """Write *file* anew, as `write_private` does, but piece by piece."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=file.parent)  # with mode 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as target:
            yield target
            target.flush()
            os.fsync(descriptor)
        Path(fresh).replace(file)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
