"""Finds the prompt in the vault that an imported one duplicates."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping

# A message id that is a UUID identifies the message in any conversation: a resumed or
# forked session repeats messages under another conversation id.
# The current version wins over others: two devices may have imported the same text.
_FIND_MESSAGE = """SELECT o.prompt_pk, o.version_pk FROM origins o
    JOIN prompts p ON p.pk = o.prompt_pk
    WHERE o.message_id = ? AND o.source = ?
        AND (o.conversation_id IS ? OR length(o.message_id) = 36)
    ORDER BY o.version_pk IS p.version_pk DESC, o.version_pk DESC LIMIT 1"""
_FIND_VERSION = """SELECT v.pk FROM versions v JOIN prompts p ON p.pk = v.prompt_pk
    WHERE v.digest = ? AND v.prompt_pk = ?
    ORDER BY v.pk = p.version_pk DESC, v.number DESC LIMIT 1"""
_FIND_TEXT = """SELECT p.pk, v.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk AND p.version_pk = v.pk
    WHERE v.digest = ? AND p.deleted_at IS NULL LIMIT 1"""
_FIND_OLDER_TEXT = """SELECT p.pk, v.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk
    WHERE v.digest = ? AND p.deleted_at IS NULL LIMIT 1"""
_FIND_ID = "SELECT pk FROM prompts WHERE id = ?"
_FIND_NAME = "SELECT 1 FROM prompts WHERE name = ? AND pk = ? AND deleted_at IS NULL"
_FIND_IDS = """SELECT v.id, v.pk = p.version_pk, v.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk WHERE p.pk = ?"""
_GET_CONTENT = "SELECT body, template, variables FROM versions WHERE pk = ?"


class Match(NamedTuple):
    """The prompt in the vault that an imported one duplicates."""

    prompt_pk: int
    missing: Sequence[int]
    """Indexes of the imported versions that the vault lacks."""
    version_pk: int | None
    """Key of the version that the missing ones follow; None if they follow none,
    because the prompt was edited in the vault."""


class Matcher:
    """Looks imported prompts up in the vault, which includes those just added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def find(self, prompt: ImportedPrompt, key: bytes) -> Match | None:
        """Return the prompt that *prompt* duplicates, None if there is none.

        *key* is the digest of its current text. A prompt from another vault is matched
        by its id, as two prompts of a vault may have the same text. Any other prompt is
        matched by message id first: another text is then a newer version. Otherwise
        it is matched by the text of a current version, or of any version if the source
        has no message ids.
        """
        if prompt.id:
            return self._find_by_id(prompt, key)
        return self._find_by_message(prompt) or self._find_by_text(prompt, key)

    def _find_by_message(self, prompt: ImportedPrompt) -> Match | None:
        for index in range(len(prompt.versions) - 1, -1, -1):
            origin = prompt.versions[index].origin
            if origin is None or origin.message_id is None:
                continue
            key = (origin.message_id, origin.source, origin.conversation_id)
            row = self._execute(_FIND_MESSAGE, key).fetchone()
            if row is None:
                continue
            version_pk = self._version_with(row[0], prompt.versions[index].content)
            if version_pk is not None:
                return Match(row[0], _from(index + 1, prompt), version_pk)
            if row[1] is not None:  # the same message, with another text now
                return Match(row[0], _from(index, prompt), row[1])
        return None

    def _version_with(self, prompt_pk: int, content: Content) -> int | None:
        key = (digest(content.body), prompt_pk)
        row = self._execute(_FIND_VERSION, key).fetchone()
        return row[0] if row else None

    def _find_by_text(self, prompt: ImportedPrompt, key: bytes) -> Match | None:
        row = self._execute(_FIND_TEXT, (key,)).fetchone()
        if row is None and _has_no_ids(prompt):
            row = self._execute(_FIND_OLDER_TEXT, (key,)).fetchone()
        return Match(row[0], (), row[1]) if row else None

    def _find_by_id(self, prompt: ImportedPrompt, key: bytes) -> Match | None:
        row = self._execute(_FIND_ID, (prompt.id,)).fetchone()
        if row is None:
            same_name = self._find_by_text(prompt, key)
            where = (prompt.name, same_name and same_name.prompt_pk)
            return same_name if self._execute(_FIND_NAME, where).fetchone() else None
        return self._compare_versions(row[0], prompt)

    def _compare_versions(self, prompt_pk: int, prompt: ImportedPrompt) -> Match:
        """Return which versions the prompt with the same id lacks.

        If the current version is not among the imported ones, it is a later edit here,
        and the missing versions follow none.
        """
        rows = self._execute(_FIND_IDS, (prompt_pk,)).fetchall()
        keys = {id_: pk for id_, _, pk in rows}
        known = [i for i, each in enumerate(prompt.versions) if each.id in keys]
        if not known:
            return Match(prompt_pk, _from(0, prompt), None)
        latest = prompt.current_index if prompt.current_index in known else known[-1]
        unknown = {*_from(known[0], prompt)}.difference(known)
        version = prompt.versions[latest]
        if self._content(keys[version.id]) != version.content:
            unknown.add(latest)  # the exported file was edited
        imported = {each.id for each in prompt.versions}
        current = next(pk for id_, is_current, pk in rows if is_current)
        follows = any(is_current and id_ in imported for id_, is_current, _ in rows)
        return Match(prompt_pk, sorted(unknown), current if follows else None)

    def _content(self, version_pk: int) -> Content:
        row = self._execute(_GET_CONTENT, (version_pk,)).fetchone()
        body, template, variables = row
        declared = variables_from_mapping(json.loads(variables))
        return Content(body, bool(template), declared)


def _from(index: int, prompt: ImportedPrompt) -> range:
    return range(index, len(prompt.versions))


def _has_no_ids(prompt: ImportedPrompt) -> bool:
    """Return True if only its text identifies *prompt*."""
    origins = [version.origin for version in prompt.versions]
    return not prompt.id and not any(each and each.message_id for each in origins)
