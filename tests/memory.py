"""A folder in memory, in which no save waits for a disk."""

import os
import shutil

_SHARED = "/dev/shm"
_NEEDED = 4 << 30
"""Bytes: a run of all tests uses a tenth of that at a time, unless many fail."""


def memory_folder() -> str | None:
    """Return a folder in memory, None if the system has no suitable one."""
    if not os.access(_SHARED, os.W_OK) or shutil.disk_usage(_SHARED).free < _NEEDED:
        return None
    # Tests write programs and run them, which some containers forbid here.
    return None if os.statvfs(_SHARED).f_flag & os.ST_NOEXEC else _SHARED
