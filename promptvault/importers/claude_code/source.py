"""Claude Code: session files and the history of typed prompts."""

from promptvault.importers.claude_code import history
from promptvault.importers.claude_code.log import SessionLog
from promptvault.importers.input.candidate import Items
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_stream import JsonObject

SOURCE = "claude-code"

_NOTES = frozenset(
    """summary system attachment progress queue-operation last-prompt ai-title
    custom-title mode permission-mode agent-name pr-link bridge-session
    file-history-snapshot file-history-delta""".split()
)
_NOTE_KEYS = ("sessionId", "leafUuid", "snapshot", "attachment", "parentUuid")
_TURN_KEYS = frozenset({"timestamp", "uuid", "sessionId"})


def probe(document: Document) -> bool:
    """Return True for a session file or the history of Claude Code."""
    sample = document.sample
    return any(history.is_entry(v) or _is_record(v) for v in sample)


def read(document: Document) -> Items:
    """Yield the sessions in *document*, or the prompts of the history.

    Raises ImportSourceError if the file cannot be read further.
    """
    if any(map(history.is_entry, document.sample)):
        return history.read(document)
    return SessionLog(document).items()


def _is_record(value: JsonObject) -> bool:
    kind, message = value.get("type"), value.get("message")
    if isinstance(message, dict):
        is_turn = kind in ("user", "assistant") and "content" in message
        return is_turn and (not _TURN_KEYS.isdisjoint(value) or len(value) == 2)
    is_note = isinstance(kind, str) and kind in _NOTES
    return is_note and any(key in value for key in _NOTE_KEYS)
