"""Which prompt of the vault an offered one is, if it is one of them."""

import json
import sqlite3
from typing import NamedTuple

from promptvault.domain.offer import Offer
from promptvault.domain.prompt import Content
from promptvault.domain.variable import variables_from_mapping

_FIND_MESSAGE = """SELECT prompt_pk, version_pk FROM origins
    WHERE message_id = ? AND source = ? AND conversation_id IS ? LIMIT 1"""
_FIND_TEXT = """SELECT p.pk FROM versions v
    JOIN prompts p ON p.pk = v.prompt_pk AND p.version_pk = v.pk
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
    """The last of those."""


class Matcher:
    """Looks offered prompts up in the vault, those just added included."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def find(self, prompt: Offer, key: bytes) -> Standing | None:
        """Return the prompt that *prompt*, whose current text has the digest *key*, is.

        The same message of the same conversation counts first, then the same text as
        another prompt's current one. A prompt that comes from a vault is known by its
        id: there, two prompts may well have one text.
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
            if row:
                return Standing(row[0], index + 1, row[1])
        return None

    def _find_by_text(self, prompt: Offer, key: bytes) -> Standing | None:
        row = self._execute(_FIND_TEXT, (key,)).fetchone()
        return Standing(row[0], len(prompt.versions), None) if row else None

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
