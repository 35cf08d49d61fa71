"""PostgreSQL refuses to run as root: how a process of root's becomes somebody else."""

import ctypes
import os
import pwd
import sys
from collections.abc import Callable

_KEEP_CAPABILITIES, _AMBIENT, _RAISE = 8, 47, 2
_OVERRIDE_PERMISSIONS = 1
_VERSION_3 = 0x20080522


def owner() -> pwd.struct_passwd | None:
    """Return who the database belongs to where this process is root's, else None."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def becoming(user: pwd.struct_passwd) -> Callable[[], None]:
    """Return what a new process does before it runs its program, to become *user*.

    On Linux it keeps the right to pass closed folders: so root's own folders, where
    the database and the program may lie, stay as closed as they are.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def become() -> None:
        if library:
            library.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if library:
            _keep_right(library)

    return become


def _keep_right(library: ctypes.CDLL) -> None:
    mask = 1 << _OVERRIDE_PERMISSIONS
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    # Effective, permitted, inheritable; and the same for the upper 32 rights.
    rights = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if library.capset(header, rights) == 0:
        library.prctl(_AMBIENT, _RAISE, _OVERRIDE_PERMISSIONS, 0, 0)
