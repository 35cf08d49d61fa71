"""The fields before a long list in a JSON object, read without the list."""

import json
import re
from itertools import islice
from typing import NamedTuple

from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_object
from promptvault.importers.input.json_stream import JsonObject

_TRIES = 5


class ListHeader(NamedTuple):
    """What comes before the list."""

    fields: JsonObject
    end: int
    """Offset of the list's key in bytes; 0 if the fields are those of the whole."""


def find_list_header(document: Document, key: str) -> ListHeader | None:
    """Return the fields before the list under *key* in the object that *document* is.

    Return None if there is no such list at the top. All fields are returned if the list
    begins after 64 KiB, or the file is not UTF-8, unless it is larger than 24 MiB.
    """
    pattern = rf',\s*(?="{re.escape(key)}"\s*:\s*\[)'.encode()
    starts = document.head.lstrip().startswith(b"{")
    lists = re.finditer(pattern, document.head) if starts else ()
    for found in islice(lists, _TRIES):
        try:
            fields = json.loads(document.head[: found.start()] + b"}")
        except (ValueError, RecursionError):
            continue  # a list of that name within another field
        return ListHeader(as_object(fields), found.end())
    whole = document.sample[0] if document.sample else {}
    return ListHeader(whole, 0) if isinstance(whole.get(key), list) else None
