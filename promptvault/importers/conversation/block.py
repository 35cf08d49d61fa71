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
    while (at := _skip_blank(body, start)) < end and body.startswith(_OPENING, at):
        close = body.find(_CLOSING, at)
        if close < 0:
            return ""
        start = close + len(_CLOSING)
    while body[start:end].rstrip().endswith(_CLOSING):
        opening = body.rfind(_OPENING, start, end)
        if opening < 0:
            break
        end = opening
    return body if (start, end) == (0, len(body)) else body[start:end].strip()


def _skip_blank(body: str, start: int) -> int:
    while start < len(body) and body[start].isspace():
        start += 1
    return start


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
