"""Finding a prompt, and the version that NAME@REV means, on a bare connection.

Little is imported here, since `get` runs in shell loops. `Reader` uses the same
functions.
"""

import contextlib
import sqlite3
from collections import namedtuple
from collections.abc import Iterator

from promptvault.domain.revision import AsOf, Named, Number, Revision
from promptvault.domain.timestamp import to_text
from promptvault.errors import NotFoundError
from promptvault.vault.database import StrPath, connect_read_only, translated_errors

Connection = sqlite3.Connection

_MAX_MATCHES = 5
"""Names listed if a name is the last part of several."""
_MAX_NAMES = 5000
"""Names compared with a mistyped one."""


class Text(namedtuple("Text", ["prompt_id", "name", "number", "template", "body"])):
    """One version of a prompt: what `get` prints, and whether it is a template."""

    __slots__ = ()


@contextlib.contextmanager
def open_database(database: StrPath) -> Iterator[Connection]:
    """Open the vault for reading, without the usage counts; raises VaultError."""
    with translated_errors():
        connection = connect_read_only(database)
        with contextlib.closing(connection):
            yield connection


def find_text(connection: Connection, name: str, revision: Revision | None) -> Text:
    """Return the text of a prompt's current version, or of *revision*.

    Raises NotFoundError.
    """
    prompt, version = find_prompt(connection, name)
    if revision is not None:
        version = find_version(connection, prompt, revision)
    sql = """SELECT p.id, p.name, v.number, v.template, v.body
        FROM versions v JOIN prompts p ON p.pk = v.prompt_pk WHERE v.pk = ?"""
    return Text(*connection.execute(sql, (version,)).fetchone())


def find_prompt(connection: Connection, name: str) -> tuple[int, int]:
    """Return the keys of a prompt and of its current version.

    *name* is a prompt's name, or the last part of exactly one. Raises NotFoundError,
    with the nearest names.
    """
    sql = "SELECT pk, version_pk, name FROM prompts WHERE deleted_at IS NULL AND "
    found = connection.execute(f"{sql} name = ?", (name,)).fetchall()
    if not found and "/" not in name:
        found = connection.execute(
            f"{sql} leaf = ? LIMIT {_MAX_MATCHES}", (name,)
        ).fetchall()
    if len(found) == 1:
        prompt, version, _ = found[0]
        return prompt, version
    if found:
        names = ", ".join(name for *_, name in found)
        raise NotFoundError(f"{name!r} is the last part of several names: {names}.")
    raise NotFoundError(f"There is no prompt {name!r}.{_hint(connection, name)}")


def _hint(connection: Connection, name: str) -> str:
    import difflib  # for a mistyped name only

    sql = f"""SELECT name FROM prompts WHERE deleted_at IS NULL
        ORDER BY pk DESC LIMIT {_MAX_NAMES}"""
    names = {row[0]: row[0] for row in connection.execute(sql)}
    names |= {full.rpartition("/")[2]: full for full in names}
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    hint = ", ".join(dict.fromkeys(names[match] for match in near))
    return f" Did you mean: {hint}?" if hint else ""


def find_version(connection: Connection, prompt: int, revision: Revision) -> int:
    """Return the key of one version of a prompt; raises NotFoundError."""
    condition, *parameters = _condition(connection, prompt, revision)
    sql = f"SELECT pk FROM versions v WHERE prompt_pk = ? AND {condition}"
    found = connection.execute(sql, (prompt, *parameters)).fetchone()
    if found:
        return int(found[0])
    ((name,),) = connection.execute("SELECT name FROM prompts WHERE pk = ?", (prompt,))
    is_time = isinstance(revision, AsOf)
    which = f"version as old as {revision}" if is_time else "such version"
    raise NotFoundError(
        f"{name} has no {which}; 'promptvault log {name}' lists what there is."
    )


_CURRENT = """(SELECT number FROM versions c JOIN prompts p ON c.pk = p.version_pk
    WHERE p.pk = v.prompt_pk)"""


def _condition(
    connection: Connection, prompt: int, revision: Revision
) -> tuple[object, ...]:
    """Return the SQL condition for a version, the best first, and its parameters."""
    match revision:
        case Number(value) if value > 0:
            return "number = ?", value
        case Number(value):
            before = f"number <= {_CURRENT} ORDER BY number DESC LIMIT 1 OFFSET ?"
            return before, -value
        case AsOf(time):
            # What lost against the current version was never current here.
            latest = f"created_at <= ? ORDER BY number > {_CURRENT}, number DESC"
            return latest, to_text(time)
        case Named(text):
            sql = "SELECT version_pk FROM labels WHERE prompt_pk = ? AND name = ?"
            label = connection.execute(sql, (prompt, text)).fetchone()
            if label:
                return "pk = ?", label[0]
            if revision.may_be_commit:
                return "commit_id GLOB ? ORDER BY number DESC", f"{text}*"
    return ("FALSE",)


def complete_names(connection: Connection, start: str, limit: int = 200) -> list[str]:
    """Return names that begin with *start*, and last parts that do."""
    end = f"{start}\U0010ffff"
    sql = """SELECT name FROM prompts
        WHERE name >= ? AND name < ? AND deleted_at IS NULL ORDER BY name LIMIT ?"""
    names = [row[0] for row in connection.execute(sql, (start, end, limit))]
    if "/" in start or not start:
        return names
    sql = """SELECT leaf FROM prompts WHERE leaf >= ? AND leaf < ?
        AND deleted_at IS NULL AND name != leaf
        GROUP BY leaf HAVING count(*) = 1 ORDER BY leaf LIMIT ?"""
    return names + [row[0] for row in connection.execute(sql, (start, end, limit))]
