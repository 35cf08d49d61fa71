"""Putting a vault's files aside, so that nobody's data is ever written over."""

from pathlib import Path


def quarantine(place: Path, word: str) -> None:
    """Rename a file or folder, if it is there, to ``NAME.word-N`` beside it.

    The write-ahead log goes with its database: it may hold the latest changes.
    """
    if not place.exists():
        return
    number = 1
    while (kept := place.with_name(f"{place.name}.{word}-{number}")).exists():
        number += 1
    log = place.with_name(f"{place.name}-wal")
    if log.exists():
        log.rename(kept.with_name(f"{kept.name}-wal"))
    place.rename(kept)
    place.with_name(f"{place.name}-shm").unlink(missing_ok=True)
