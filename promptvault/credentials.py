"""Keys and tokens: in the system's keyring, or a private file where there is none."""

from pathlib import Path


def find_credential(file: Path, name: str) -> str | None:
    """Return the secret kept as *name*, None without one."""
    return None
