"""Disks that are small, full or read-only."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

needs_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="mounts, limits and modes of Linux"
)


@contextlib.contextmanager
def mounted(*arguments: str) -> Iterator[None]:
    """Mount something while the block runs, if that is permitted."""
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=True)


@contextlib.contextmanager
def modes(root: Path, folders: int, files: int) -> Iterator[None]:
    """Give everything below *root* these modes while the block runs."""
    paths = [root, *root.rglob("*")]
    before = {path: path.stat().st_mode for path in paths}
    for path in reversed(paths):
        path.chmod(folders if path.is_dir() else files)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def fill(path: Path, spare: int) -> None:
    """Write until the disk has *spare* KiB left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(path, max(path.stat().st_size - (spare << 10), 0))


def incompressible(length: int) -> str:
    """Return a text of that length that hardly compresses."""
    return os.urandom(length // 2).hex()
