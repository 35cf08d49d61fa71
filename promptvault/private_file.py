"""Files that only their owner may read."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def write_private(file: Path, text: str) -> None:
    """Replace *file*, whole or not at all, readable by its owner; raises OSError."""
    with open_private(file) as target:
        target.write(text)


@contextlib.contextmanager
def open_private(file: Path) -> Iterator[TextIO]:
    """Replace *file* as `write_private` does, but piece by piece; raises OSError."""
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
