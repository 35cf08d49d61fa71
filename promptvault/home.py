"""The folders in use, as plain text.

`get` runs in shell loops, where importing `pathlib` and `platformdirs` would take as
long as reading the vault. `promptvault.paths` has the same folders as paths.
"""

import os
import sys
from collections.abc import Callable, Mapping

HOME_VARIABLE = "PROMPTVAULT_HOME"
PROJECT_FOLDER = ".promptvault"

DATABASE, HISTORY, USAGE = "vault.db", "history.git", "usage.db"

PERSONAL = "personal"
"""The name of the user's own vault, whose files are not in a folder of their own."""
VAULTS = "vaults"
"""The folder of the other vaults: those of teams, a folder each."""
_LONGEST_NAME = 40
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_NAME = _LETTERS | frozenset("0123456789-")

_XDG = (
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_STATE_HOME", ".local/state"),
)
"""Each base folder's variable, and its default in the home folder, as the XDG Base
Directory Specification lists them."""
_ANDROID = "ANDROID_ROOT"


def find_folders(
    environment: Mapping[str, str], find_directory: Callable[[], str]
) -> tuple[str, ...]:
    """Return the config, data, cache and state folders of a command.

    ``PROMPTVAULT_HOME`` comes first, then a project's own ``.promptvault`` folder in
    the working directory or above it, then the platform's usual folders.
    *find_directory* returns the working directory, which may be gone; it is not called
    if ``PROMPTVAULT_HOME`` is absolute.
    """
    home = os.path.expanduser(environment.get(HOME_VARIABLE, ""))
    if os.path.isabs(home):
        return _under(home)
    folder = find_directory()
    if home:
        return _under(os.path.join(folder, home))
    while True:
        project = os.path.join(folder, PROJECT_FOLDER)
        if os.path.isdir(project):
            return _under(project)
        parent = os.path.dirname(folder)
        if parent == folder:
            return _of_platform(environment)
        folder = parent


def _under(home: str) -> tuple[str, ...]:
    return (home, *(os.path.join(home, name) for name in ("data", "cache", "state")))


def _of_platform(environment: Mapping[str, str]) -> tuple[str, ...]:
    home = environment.get("HOME", "")
    if sys.platform == "linux" and os.path.isabs(home) and _ANDROID not in environment:
        given = ((environment.get(name, ""), path) for name, path in _XDG)
        bases = (
            base if os.path.isabs(base) else os.path.join(home, path)
            for base, path in given
        )
        return tuple(os.path.join(base, "promptvault") for base in bases)
    import platformdirs  # 3 ms, as it imports pathlib

    dirs = platformdirs.PlatformDirs("promptvault", appauthor=False)
    return (
        dirs.user_config_dir,
        dirs.user_data_dir,
        dirs.user_cache_dir,
        dirs.user_state_dir,
    )


def folder_of(base: str, vault: str) -> str:
    """Return the folder of *vault* in the data or state folder *base*."""
    return base if vault == PERSONAL else os.path.join(base, VAULTS, vault)


def full_name(vault: str, name: str) -> str:
    """Return the name of a prompt with its vault, unless that is the personal one."""
    return name if vault == PERSONAL else f"{vault}:{name}"


def is_vault_name(name: str) -> bool:
    """Return True if *name* can name a vault; a server may send any text."""
    return (
        name[:1] in _LETTERS and len(name) <= _LONGEST_NAME and _NAME.issuperset(name)
    )


def has_vault(data: str, name: str) -> bool:
    """Return True if there is a vault called *name*. No folder is listed."""
    if name == PERSONAL:
        return True
    return is_vault_name(name) and os.path.exists(
        os.path.join(folder_of(data, name), DATABASE)
    )


def team_vaults(data: str) -> list[str]:
    """Return the names of the team vaults in the data folder, sorted.

    A folder without a database is not one: it is being made or deleted.
    """
    folder = os.path.join(data, VAULTS)
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    return sorted(
        name
        for name in found
        if is_vault_name(name) and os.path.exists(os.path.join(folder, name, DATABASE))
    )
