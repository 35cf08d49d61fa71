"""Which prompt of the vault an offered one is, if it is one of them."""

import json
import sqlite3
from typing import NamedTuple

from promptvault.domain.digest import digest
from promptvault.domain.offer import Offer
from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping

# A message id that is a UUID stands for the message wherever it is found: a session
# that is resumed or forked repeats messages under another conversation's id.
_FIND_MESSAGE = """SELECT prompt_pk, version_pk FROM origins
    WHERE message_id = ? AND source = ?
        AND (conversation_id IS ? OR length(message_id) = 36)
    ORDER BY version_pk DESC LIMIT 1"""
_FIND_VERSION = """SELECT max(pk) FROM versions WHERE digest = ? AND prompt_pk = ?"""
_FIND_TEXT = """SELECT p.pk, v.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk AND p.version_pk = v.pk
    WHERE v.digest = ? AND p.deleted_at IS NULL LIMIT 1"""
_FIND_OLDER_TEXT = """SELECT p.pk, v.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk
    WHERE v.digest = ? AND p.deleted_at IS NULL LIMIT 1"""
_FIND_ID = "SELECT pk FROM prompts WHERE id = ?"
_FIND_NAME = "SELECT 1 FROM prompts WHERE name = ? AND pk = ? AND deleted_at IS NULL"
_FIND_REVISION = """SELECT pk, body, template, variables FROM versions
    WHERE id = ? AND prompt_pk = ?"""


class Standing(NamedTuple):
    """A prompt in the vault that an offered one is the same as."""

    prompt_pk: int
    known: int
    """How many of the offered versions it has."""
    version_pk: int | None
    """The last of those in the vault."""


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
                return Standing(row[0], index + 1, version_pk)
            if row[1] is not None:  # the same place, with another text by now
                return Standing(row[0], index, row[1])
        return None

    def _version_with(self, prompt_pk: int, content: Content) -> int | None:
        key = (digest(content.body), prompt_pk)
        found: int | None = self._execute(_FIND_VERSION, key).fetchone()[0]
        return found

    def _find_by_text(self, prompt: Offer, key: bytes) -> Standing | None:
        row = self._execute(_FIND_TEXT, (key,)).fetchone()
        if row is None and _has_no_ids(prompt):
            row = self._execute(_FIND_OLDER_TEXT, (key,)).fetchone()
        return Standing(row[0], len(prompt.versions), row[1]) if row else None

    def _find_by_id(self, prompt: Offer, key: bytes) -> Standing | None:
        row = self._execute(_FIND_ID, (prompt.id,)).fetchone()
        if row is None:
            same_name = self._find_by_text(prompt, key)
            where = (prompt.name, same_name and same_name.prompt_pk)
            return same_name if self._execute(_FIND_NAME, where).fetchone() else None
        for index in range(len(prompt.versions) - 1, -1, -1):
            version = prompt.versions[index]
            revision = (version.id, row[0])
            found = self._execute(_FIND_REVISION, revision).fetchone()
            if found:
                # The same revision with another text: somebody edited the file.
                pk, body, template, variables = found
                declared = variables_from_mapping(json.loads(variables))
                edited = Content(body, bool(template), declared) != version.content
                return Standing(row[0], index + (0 if edited else 1), pk)
        return Standing(row[0], 0, None)


def _has_no_ids(prompt: Offer) -> bool:
    """Whether nothing but the text says which prompt it is."""
    origins = [version.origin for version in prompt.versions]
    return not prompt.id and not any(each and each.message_id for each in origins)
