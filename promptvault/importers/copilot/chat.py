"""Chats of VS Code and its forks: sessions as one object or as a log, and exports.

A session is `chatSessions/<id>.json` or, since VS Code 1.109, `<id>.jsonl`; "Chat:
Export Chat" writes the same object without an id. Its types are in `chatModel.ts`
of VS Code's source. Answers take nearly all of a file, often 10 MB, so they are removed
before JSON is parsed.
"""

import codecs
import re
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from promptvault.importers.copilot.chat_log import ChatLog
from promptvault.importers.copilot.chat_session import build_session
from promptvault.importers.input.candidate import Failure, Items, Skipped
from promptvault.importers.input.damaged_object import objects_with
from promptvault.importers.input.document import Document
from promptvault.importers.input.encoded_text import encoding
from promptvault.importers.input.json_stream import Damaged, JsonValue
from promptvault.importers.input.lines import json_lines
from promptvault.importers.input.value_filter import ValueFilter, without_values

SOURCE = "copilot-chat"

_REQUESTS = "requests"
# Whatever else is nested at the top of a session is here too: a damaged session can
# then be read request by request.
_UNUSED = "|".join(
    """response result variableData contentReferences codeCitations usedContext
    followups editedFileEvents responseMarkdownInfo agent slashCommand workingSet
    userSelectedTools modelState modeInfo inputState pendingRequests repoData
    welcomeMessage requesterAvatarIconUri responderAvatarIconUri""".split()
)
_BLANK = r"\s*+"
_PATH = rf'(?:"requests"{_BLANK},{_BLANK}\d++{_BLANK},{_BLANK})?+"(?:{_UNUSED})"[^\]]*+'
_SKIPPED = re.compile(
    rf'"(?:{_UNUSED})"{_BLANK}:'
    rf'|"k"{_BLANK}:{_BLANK}\[{_BLANK}{_PATH}\]{_BLANK},'
    rf'(?:{_BLANK}"i"{_BLANK}:{_BLANK}\d++{_BLANK},)?+{_BLANK}"v"{_BLANK}:'.encode()
)
"""What comes before a value that is not needed, in a session or in a line of a log."""

_LOG = re.compile(r'\s*\{\s*"kind"\s*:\s*0\s*,\s*"v"\s*:\s*\{')
_SESSION = re.compile(r"\s*(?:\[\s*)?\{")
_LIST = re.compile(r'"requests"\s*:\s*\[')
_MARK = re.compile(
    r'"(sessionId|creationDate|requesterUsername|responderUsername|initialLocation'
    r'|requestId|providerRequestId|timestamp|modelId|variableData|response)"\s*:'
)


def probe(document: Document) -> bool:
    """Return True for a session of VS Code's chat."""
    if b"requests" not in document.head.replace(b"\0", b""):
        return False
    head = _shortened_head(document)
    if not (_LIST.search(head) and _SESSION.match(head)):
        return False
    marks = {found[1] for found in _MARK.finditer(head)}
    return len(marks) >= (1 if _LOG.match(head) else 2)


def read(document: Document) -> Items:
    """Yield the sessions in *document*, usually one, and what could not be read.

    A session that was converted to a log is read from there only. Raises
    ImportSourceError if the file cannot be read further.
    """
    if f"{document.name}l" in document.siblings:
        yield Skipped("older copy of a session")
    elif _LOG.match(_shortened_head(document)):
        yield from _log(document)
    else:
        yield from _sessions(document)


def _shortened_head(document: Document) -> str:
    """Return the start of *document* without what is not needed."""
    head = document.head
    if (name := encoding(head)) == "utf-16":
        return head.decode(name, errors="ignore")
    whole = ValueFilter(_SKIPPED)
    kept = whole.feed(head.removeprefix(codecs.BOM_UTF8)) + whole.rest()
    return kept.decode(errors="replace")


def _name(document: Document) -> str:
    return PurePosixPath(document.name).stem


def _log(document: Document) -> Items:
    log = ChatLog()
    damaged: Failure | None = None
    with document.open() as stream:
        lines = json_lines(without_values(stream, _SKIPPED, by_line=True))
        for number, value in lines:
            if damaged:
                yield damaged
                damaged = None
            if isinstance(value, dict):
                log.apply(value)
            else:
                reason = value.reason if isinstance(value, Damaged) else _NO_CHANGE
                # The last line may still be being written.
                damaged = Failure(f"{document.name}, line {number}", reason)
    if not log.has_begun and damaged:
        yield damaged
    else:
        yield build_session(log.session, log.removed, _name(document))


_NO_CHANGE = "it is not a change of a session"


def _sessions(document: Document) -> Items:
    for index, value in enumerate(objects_with(_REQUESTS, partial(_open, document))):
        if isinstance(value, dict) and isinstance(value.get(_REQUESTS), list):
            yield build_session(value, (), _name(document))
        else:
            yield _failure(document, index, value)


def _open(document: Document) -> BinaryIO:
    return without_values(document.open(), _SKIPPED)


def _failure(document: Document, index: int, value: JsonValue | Damaged) -> Failure:
    reason = value.reason if isinstance(value, Damaged) else "it is not a chat"
    return Failure(f"{document.name}, item {index + 1}", reason)
