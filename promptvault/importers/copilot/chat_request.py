"""What a person typed in a request of VS Code's chat."""

from promptvault.importers.input.candidate import Draft
from promptvault.importers.input.field import (
    as_list,
    as_object,
    as_text,
    as_time,
    sanitized,
)
from promptvault.importers.input.json_stream import JsonObject, JsonValue

_NOT_TYPED = ("confirmation", "isSystemInitiated", "hiddenFromTranscript")
"""Set if a button or the program made the request."""
_KEY_PREFIX = "request_"
_MODEL_PREFIX = "copilot/"


def is_request(value: JsonValue) -> bool:
    """Return True if *value* is a request; before 2024 its message was a string."""
    return isinstance(value, dict) and isinstance(value.get("message"), str | dict)


def is_typed(request: JsonObject) -> bool:
    """Return True if a person wrote the request."""
    return not any(request.get(name) for name in _NOT_TYPED)


def is_removed(request: JsonObject) -> bool:
    """Return True for a request that was undone, which the next one replaces.

    It stays in the file until then. With `afterUndoStop`, only a part of its answer was
    undone.
    """
    removal = request.get("shouldBeRemovedOnSend")
    is_whole = bool(removal) and not as_object(removal).get("afterUndoStop")
    return is_whole or request.get("isHidden") is True


def request_draft(request: JsonObject) -> Draft | None:
    """Return what was typed in *request*, None if that is no text."""
    body = _body(request.get("message"))
    if not body:
        return None
    model = as_text(request.get("modelId"))
    return Draft(
        body,
        as_time(request.get("timestamp")),
        request_key(request),
        model.removeprefix(_MODEL_PREFIX) if model else None,
    )


def request_key(request: JsonObject) -> str | None:
    """Return the UUID of *request*, which copies of its session share."""
    for name in ("requestId", "providerRequestId"):
        if key := as_text(request.get(name)):
            return key.removeprefix(_KEY_PREFIX)
    return None


def _body(message: JsonValue) -> str | None:
    if isinstance(message, str):
        return as_text(message)
    fields = as_object(message)
    parts = map(as_object, as_list(fields.get("parts")))
    pieces = (part.get("text") for part in parts)
    joined = "".join(sanitized(piece) for piece in pieces if isinstance(piece, str))
    return as_text(fields.get("text")) or as_text(joined)
