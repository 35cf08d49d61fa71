"""Counting how often each prompt is used, on this machine."""

import contextlib
import sqlite3
from datetime import datetime

from promptvault.domain.timestamp import to_text
from promptvault.errors import VaultError
from promptvault.vault.database import StrPath, open_usage

_COUNT = """INSERT INTO usage.uses (prompt_id, uses, used_at) VALUES (?, ?, ?)
    ON CONFLICT (prompt_id) DO UPDATE
    SET uses = uses + excluded.uses, used_at = max(used_at, excluded.used_at)"""


def count_use(usage: StrPath, prompt_id: str, time: datetime, uses: int = 1) -> None:
    """Add to the uses of a prompt. If that cannot be written, nothing happens."""
    with contextlib.suppress(sqlite3.Error, OSError, VaultError):
        connection = open_usage(usage)
        with contextlib.closing(connection):
            connection.execute(_COUNT, (prompt_id, uses, to_text(time)))
