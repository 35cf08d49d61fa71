"""Which prompt of the vault an offered one is, if it is one of them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.domain.offer import Offer
from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping

# A message id that is a UUID stands for the message wherever it is found: a session
# that is resumed or forked repeats messages under another conversation's id.
# Of several versions the current one counts: they may be the same text, which two
# devices took in.
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


class Standing(NamedTuple):
    """A prompt in the vault that an offered one is the same as."""

    prompt_pk: int
    missing: Sequence[int]
    """Indexes of the offered versions that it is to get."""
    version_pk: int | None
    """The version here that the missing ones follow, None where they follow none."""


class Matcher:
    """Looks offered prompts up in the vault, those just added included."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def find(self, prompt: Offer, key: bytes) -> Standing | None:
        """Return the prompt that *prompt*, whose current text has the digest *key*, is.

        The same message counts first; where its text has changed since, that is a
        newer version. Then comes the same text: that of another prompt's current
        version or, where a log tells no more than the text, of any version. A prompt
        that comes from a vault is known by its id: there, two may well have one text.
        """
        if prompt.id:
            return self._find_by_id(prompt, key)
        return self._find_by_message(prompt) or self._find_by_text(prompt, key)

    def _find_by_message(self, prompt: Offer) -> Standing | None:
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
                return Standing(row[0], _from(index + 1, prompt), version_pk)
            if row[1] is not None:  # the same place, with another text by now
                return Standing(row[0], _from(index, prompt), row[1])
        return None

    def _version_with(self, prompt_pk: int, content: Content) -> int | None:
        key = (digest(content.body), prompt_pk)
        row = self._execute(_FIND_VERSION, key).fetchone()
        return row[0] if row else None

    def _find_by_text(self, prompt: Offer, key: bytes) -> Standing | None:
        row = self._execute(_FIND_TEXT, (key,)).fetchone()
        if row is None and _has_no_ids(prompt):
            row = self._execute(_FIND_OLDER_TEXT, (key,)).fetchone()
        return Standing(row[0], (), row[1]) if row else None

    def _find_by_id(self, prompt: Offer, key: bytes) -> Standing | None:
        row = self._execute(_FIND_ID, (prompt.id,)).fetchone()
        if row is None:
            same_name = self._find_by_text(prompt, key)
            where = (prompt.name, same_name and same_name.prompt_pk)
            return same_name if self._execute(_FIND_NAME, where).fetchone() else None
        return self._standing_of(row[0], prompt)

    def _standing_of(self, prompt_pk: int, prompt: Offer) -> Standing:
        """Return what the prompt with the same id has of *prompt*, version by version.

        Versions follow those here only where the current one is among the offered:
        else it was made here since.
        """
        rows = self._execute(_FIND_IDS, (prompt_pk,)).fetchall()
        keys = {id_: pk for id_, _, pk in rows}
        known = [i for i, each in enumerate(prompt.versions) if each.id in keys]
        if not known:
            return Standing(prompt_pk, _from(0, prompt), None)
        latest = prompt.current_index if prompt.current_index in known else known[-1]
        unknown = {*_from(known[0], prompt)}.difference(known)
        version = prompt.versions[latest]
        if self._content(keys[version.id]) != version.content:
            unknown.add(latest)  # somebody edited the file
        offered = {each.id for each in prompt.versions}
        current = next(pk for id_, is_current, pk in rows if is_current)
        follows = any(is_current and id_ in offered for id_, is_current, _ in rows)
        return Standing(prompt_pk, sorted(unknown), current if follows else None)

    def _content(self, version_pk: int) -> Content:
        row = self._execute(_GET_CONTENT, (version_pk,)).fetchone()
        body, template, variables = row
        declared = variables_from_mapping(json.loads(variables))
        return Content(body, bool(template), declared)


def _from(index: int, prompt: Offer) -> range:
    return range(index, len(prompt.versions))


def _has_no_ids(prompt: Offer) -> bool:
    """Whether nothing but the text says which prompt it is."""
    origins = [version.origin for version in prompt.versions]
    return not prompt.id and not any(each and each.message_id for each in origins)
