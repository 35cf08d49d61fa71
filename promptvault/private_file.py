"""Files that nobody else may read."""

import os
import tempfile
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Write *file* anew, whole or not at all, for its owner alone; raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=file.parent)  # with mode 0600
    try:
        with open(descriptor, "w", encoding="utf-8") as target:
            target.write(text)
            target.flush()
            os.fsync(descriptor)
        Path(fresh).replace(file)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
