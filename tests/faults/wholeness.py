"""Checks whether a vault is intact, without the program's own code."""

import json
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from tests.faults.program import Vault

_STATE = """SELECT p.name, p.title, p.description, p.tags, p.favourite, p.source,
    p.deleted_at IS NOT NULL,
    (SELECT json_group_array(json_array(number, body, template)) FROM
        (SELECT * FROM versions WHERE prompt_pk = p.pk ORDER BY number))
    FROM prompts p"""
_VERSIONS = """SELECT v.commit_id, p.name, v.id, v.number, v.body, v.pk = p.version_pk
    FROM versions v JOIN prompts p ON p.pk = v.prompt_pk WHERE p.deleted_at IS NULL"""
_DANGLING = "SELECT count(*) FROM versions v LEFT JOIN prompts p ON p.pk = v.prompt_pk"
_LEFT_BEHIND = ("*.lock", "refs/**/*.lock", "objects/**/*tmp_*", "objects/pack/*.keep")
_DATA_FILES = {
    *("vault.db", "vault.db-wal", "vault.db-shm", "vault.lock", "history.git"),
    "sync.lock",
}


class State(NamedTuple):
    """The content of a vault, without ids and times."""

    prompts: dict[str, tuple[Any, ...]]
    imports: tuple[tuple[int | None, bool], ...]
    """Prompts added by each import, and whether it was undone."""

    def without(self, *names: str) -> "State":
        kept = {key: row for key, row in self.prompts.items() if key not in names}
        return self._replace(prompts=kept)


def state(vault: Vault) -> State:
    """Return the content of *vault*."""
    if not vault.database.exists():
        return State({}, ())
    with closing(sqlite3.connect(vault.database)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            return State({}, ())  # killed before there were tables
        rows = connection.execute(_STATE).fetchall()
        sql = "SELECT report, undone_at IS NOT NULL FROM imports ORDER BY pk"
        ledger = connection.execute(sql).fetchall()
    prompts = {row[0]: row[1:] for row in rows}
    return State(
        prompts,
        tuple((json.loads(text).get("added"), bool(undone)) for text, undone in ledger),
    )


def git(vault: Vault, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """Run git on the history, without the user's settings."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", f"--git-dir={vault.history}", *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], **settings},
        check=False,
    )
    return done.returncode, done.stdout


def subjects(vault: Vault) -> list[str]:
    """Return the subject of every commit, newest first."""
    if not vault.history.exists():
        return []
    code, out = git(vault, "log", "--format=%s", "refs/heads/main")
    return out.decode().splitlines() if code == 0 else []


def assert_whole(vault: Vault) -> None:
    """Assert that SQLite, its search index and git are intact and agree."""
    found = faults(vault) + litter(vault)
    assert not found, found


def faults(vault: Vault) -> list[str]:
    """Return what is wrong with *vault*; empty if it is intact."""
    if not vault.history.exists() and state(vault) == State({}, ()):
        return []  # nothing was ever saved
    with closing(sqlite3.connect(vault.database)) as connection:
        return [
            *_database_faults(connection),
            *_history_faults(vault),
            *_disagreements(vault, connection),
        ]


def litter(vault: Vault) -> list[str]:
    """Return files of a killed command that the next save did not remove."""
    found = [p for pattern in _LEFT_BEHIND for p in vault.history.glob(pattern)]
    found += [
        path
        for path in vault.data.iterdir()
        if path.name not in _DATA_FILES and ".damaged-" not in path.name
    ]
    return [f"left behind: {path.relative_to(vault.data)}" for path in found]


def _database_faults(connection: sqlite3.Connection) -> Iterator[str]:
    for (answer,) in connection.execute("PRAGMA integrity_check"):
        if answer != "ok":
            yield f"SQLite: {answer}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"SQLite: a row of {row[0]} refers to nothing"
    if connection.execute("SELECT count(*) FROM outbox").fetchone()[0]:
        yield "SQLite: commits are still waiting"
    if connection.execute(f"{_DANGLING} WHERE p.pk IS NULL").fetchone()[0]:
        yield "SQLite: versions without a prompt"
    try:
        check = "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)"
        connection.execute(check)
    except sqlite3.DatabaseError as error:
        yield f"search index: {error}"
    connection.rollback()


def _history_faults(vault: Vault) -> Iterator[str]:
    code, out = git(vault, "fsck", "--strict", "--no-dangling")
    if code or out:
        yield f"git fsck: {out.decode().strip()}"
    form = "--format=%(trailers:key=PromptVault-Change,valueonly,separator=)"
    code, out = git(vault, "log", form, "refs/heads/main")
    for change, times in Counter(out.decode().split()).items():
        if times > 1:
            yield f"git: change {change} was committed {times} times"


def _disagreements(vault: Vault, connection: sqlite3.Connection) -> Iterator[str]:
    """Compare every version with its commit, and every prompt with its file."""
    rows = connection.execute(_VERSIONS).fetchall()
    numbers = Counter((row[1], row[3]) for row in rows)
    yield from (
        f"{name}: version {n} twice" for (name, n), c in numbers.items() if c > 1
    )
    # Sync may give a version another number than its commit has; the file has the new.
    wanted = [
        (f"{commit}:{name}.md", id_, None, body)
        for commit, name, id_, _, body, _ in rows
    ]
    wanted += [
        (f"refs/heads/main:{name}.md", id_, number, body)
        for _, name, id_, number, body, is_current in rows
        if is_current
    ]
    texts = _texts(vault, [row[0] for row in wanted])
    for (where, id_, number, body), found in zip(wanted, texts, strict=True):
        text = found or _under_another_name(vault, where, id_)
        if text is None:
            yield f"{where} is not in git"
        elif not _is(text, id_, number, body):
            yield f"{where} is not version {id_} as SQLite has it"
    _, out = git(vault, "ls-tree", "-r", "--name-only", "-z", "refs/heads/main")
    files = {path for path in out.decode().split("\0") if path}
    living = {f"{row[1]}.md" for row in rows}
    yield from (
        f"{path} is a prompt in git alone"
        for path in sorted(files - living)
        if not path.startswith(".trash/")
    )


def _under_another_name(vault: Vault, where: str, id_: str) -> str | None:
    """Return the name in the commit of a renamed prompt; None if it is missing."""
    commit = where.partition(":")[0]
    shown = ("diff-tree", "-r", "--root", "--no-commit-id", "--name-only", "-z", commit)
    paths = git(vault, *shown)[1].decode().split("\0")[:-1]
    texts = _texts(vault, [f"{commit}:{path}" for path in paths])
    return next((text for text in texts if text and f"revision: {id_}\n" in text), None)


def _is(text: str, id_: str, number: int | None, body: str) -> bool:
    end = text.find("\n---\n") + 5
    header = text[:end].splitlines()
    numbered = number is None or f"version: {number}" in header
    return numbered and f"revision: {id_}" in header and text[end:] == body


def _texts(vault: Vault, names: list[str]) -> Iterator[str | None]:
    """Yield the text of each blob of *names*, None if there is none."""
    asked = "".join(f"{name}\n" for name in names).encode()
    _, out = git(vault, "cat-file", "--batch", stdin=asked)
    at = 0
    for _ in names:
        end = out.index(b"\n", at)
        line, at = out[at:end], end + 1
        if line.endswith(b" missing") or not line.split(b" ")[-1].isdigit():
            yield None
            continue
        size = int(line.split(b" ")[-1])
        yield out[at : at + size].decode()
        at += size + 1
