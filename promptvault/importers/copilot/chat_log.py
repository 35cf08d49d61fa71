"""The log of changes in which VS Code stores a chat session (since 1.109).

Each line is a change of one JSON object: `kind` 0 is the whole object, 1 sets the value
at the path `k` to `v`, 2 cuts the list at `k` to the length `i` and appends `v`, 3
deletes the value at `k`. The format is that of `objectMutationLog.ts` in VS Code's
source.
"""

from promptvault.importers.copilot.chat_session import Removed, removed_requests
from promptvault.importers.input.field import as_list, as_object
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_REQUESTS = "requests"
_TITLES = ("customTitle", "computedTitle")
_FIELDS = frozenset(
    """message requestId timestamp modelId confirmation isSystemInitiated
    hiddenFromTranscript shouldBeRemovedOnSend isHidden""".split()
)
_WHOLE, _SET, _APPEND, _DELETE = range(4)


class ChatLog:
    """Applies the changes of a log, and keeps the requests that were removed."""

    def __init__(self) -> None:
        self.session: JsonObject = {}
        """The session after all changes."""
        self.removed: list[Removed] = []
        self.has_begun = False
        """True once there was the whole object, to which changes apply."""

    def apply(self, change: JsonObject) -> None:
        """Apply one line; one that concerns no prompt does nothing."""
        kind, path = change.get("kind"), as_list(change.get("k"))
        value = change.get("v")
        if kind == _WHOLE:
            self._begin(as_object(value))
        elif not _is_used(path):
            return
        elif kind == _APPEND:
            self._append(path, as_list(value), change.get("i"))
        elif kind in (_SET, _DELETE):
            self._set(path, value)

    def _begin(self, session: JsonObject) -> None:
        self._remove(0)
        self.session = session
        self.has_begun = True

    def _set(self, path: list[JsonValue], value: JsonValue) -> None:
        if path == [_REQUESTS]:
            self._remove(0)
        elif len(path) == 2 and type(path[1]) is int:
            self._remove(path[1], path[1] + 1)
        _put(self._holder(path), path[-1], value)

    def _append(
        self, path: list[JsonValue], values: list[JsonValue], length: JsonValue
    ) -> None:
        holder = self._holder(path)
        elements = as_list(_child(holder, path[-1]))
        if type(length) is int and length >= 0:
            if path == [_REQUESTS]:
                self._remove(length)
            del elements[length:]
        elements += values
        _put(holder, path[-1], elements)

    def _remove(self, start: int, end: int | None = None) -> None:
        """Keep the requests from index *start* to *end*, before they are removed."""
        requests = as_list(self.session.get(_REQUESTS))
        last = len(requests) if end is None else end
        self.removed += removed_requests(requests, start, last)

    def _holder(self, path: list[JsonValue]) -> JsonValue:
        """Return the object or list that holds the last step of *path*."""
        holder: JsonValue = self.session
        for step in path[:-1]:
            holder = _child(holder, step)
        return holder


def _is_used(path: list[JsonValue]) -> bool:
    """Return True if the value at *path* concerns a prompt; others may be large."""
    match path:
        case [str(name)]:
            return name == _REQUESTS or name in _TITLES
        case [str(name), _]:
            return name == _REQUESTS
        case [str(name), _, str(field), *_]:
            return name == _REQUESTS and field in _FIELDS
        case _:
            return False


def _child(holder: JsonValue, step: JsonValue) -> JsonValue:
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.get(step)
    if isinstance(holder, list) and type(step) is int and 0 <= step < len(holder):
        return holder[step]
    return None


def _put(holder: JsonValue, step: JsonValue, value: JsonValue) -> None:
    """Set a part of an object, or of a list up to one after its end."""
    if isinstance(holder, dict) and isinstance(step, str):
        holder[step] = value
    elif isinstance(holder, list) and type(step) is int and 0 <= step <= len(holder):
        holder[step : step + 1] = [value]
