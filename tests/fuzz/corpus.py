"""The fuzzer's first inputs: examples and samples of a source, whole and in parts."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tests.importers.examples import EXAMPLES

LARGEST = 64 << 10
"""Bytes of the largest file that is tried."""

_DATA = Path(__file__).parent.parent / "importers" / "data"


def names(source: str) -> list[str]:
    """Return the names under which files of *source* are known."""
    found = [each.name for each in EXAMPLES if each.source == source]
    return list(dict.fromkeys(found))


def write(source: str, folder: Path, samples: Path | None) -> int:
    """Write the first files for *source* to *folder*; return their number.

    *samples* is a folder of more files of any source; those whose path names
    *source* are taken.
    """
    seeds = {*_examples(source), *_files(source, _DATA)}
    if samples:
        seeds.update(_files(source, samples))
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return len(seeds)


def _examples(source: str) -> Iterator[bytes]:
    for example in EXAMPLES:
        if example.source == source and len(example.data) <= LARGEST:
            yield example.data


def _files(source: str, below: Path) -> Iterator[bytes]:
    wanted = source.replace("-", "")
    for path in sorted(below.rglob("*")):
        name = path.relative_to(below).as_posix().lower()
        is_of_it = wanted in name.replace("_", "").replace("-", "")
        if is_of_it and path.is_file():
            yield path.read_bytes()[:LARGEST]
