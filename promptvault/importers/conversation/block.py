"""The blocks of a message, as many agents write them: texts, images, results of
tools."""

from collections.abc import Iterator

from promptvault.importers.input.field import as_list, as_object, sanitized
from promptvault.importers.input.json_stream import JsonValue

_OPENING, _CLOSING = "<system-reminder>", "</system-reminder>"


def typed_text(content: JsonValue) -> str | None:
    """Return the text that a person typed in *content*, a string or a list of blocks.

    Return "" for an image alone, and None if nothing is a person's: results of tools,
    reminders of the client.
    """
    texts = list(_texts(content))
    kept = [each for each in map(without_reminders, texts) if each and each.strip()]
    if kept:
        return sanitized("\n".join(kept))
    return "" if None in texts else None


def without_reminders(text: str | None) -> str:
    """Return *text* without the client's reminders before and after it."""
    body = text or ""
    start, end = 0, len(body)
    while body.startswith(_OPENING, _text_start(body, start, end)):
        close = body.find(_CLOSING, start)
        if close < 0:
            return ""
        start = close + len(_CLOSING)
    while body.endswith(_CLOSING, start, _text_end(body, start, end)):
        opening = body.rfind(_OPENING, start, end)
        if opening < 0:
            break
        end = opening
    return body if (start, end) == (0, len(body)) else body[start:end].strip()


def _text_start(body: str, start: int, end: int) -> int:
    while start < end and body[start].isspace():
        start += 1
    return start


def _text_end(body: str, start: int, end: int) -> int:
    while start < end and body[end - 1].isspace():
        end -= 1
    return end


def _texts(content: JsonValue) -> Iterator[str | None]:
    """Yield the texts in *content*, and None for each image or document."""
    if isinstance(content, str):
        yield content
    for value in as_list(content):
        block = as_object(value)
        text = value if isinstance(value, str) else block.get("text")
        kind = block.get("type", "text")
        if kind == "text" and isinstance(text, str):
            yield text
        elif kind in ("image", "document"):
            yield None
