"""Files of a vault are renamed before they are replaced, never overwritten."""

from pathlib import Path


def quarantine(path: Path, suffix: str) -> None:
    """Rename a file or folder, if it exists, to ``NAME.suffix-N`` in the same folder.

    The write-ahead log of a database, which may hold the latest changes, goes with it.
    """
    if not path.exists():
        return
    number = 1
    while (kept := path.with_name(f"{path.name}.{suffix}-{number}")).exists():
        number += 1
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.rename(kept.with_name(f"{kept.name}-wal"))
    path.rename(kept)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
