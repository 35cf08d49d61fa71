"""What a person typed in a message of Gemini CLI, without what the CLI added."""

import re
from collections.abc import Iterator

from promptvault.importers.input.field import as_object, sanitized
from promptvault.importers.input.json_stream import JsonValue

_INJECTED = re.compile(
    r"\s*(?:<session_context>|<hook_context>|<state_snapshot>"
    r"|This is (?:the )?[\w ]+\. We are setting up the context for our chat"
    r"|Okay, just setting up the context for our chat"
    r"|Here is the user's editor context as"
    r"|Here is a summary of changes in the user's editor context"
    r"|I ran the following shell command:\n"
    r"|System: Please continue\.)"
)
_BLOCK = re.compile(
    r"<(session_context|hook_context|state_snapshot)>.*?</\1>", re.DOTALL
)
_FILES = re.compile(
    r"(?:\A|\n)--- Content from referenced files ---[ \t]*(?:\n.*|\Z)", re.DOTALL
)
_MEDIA = ("inlineData", "fileData", "inline_data", "file_data")


def typed_text(content: JsonValue) -> str | None:
    """Return the text that a person wrote in *content*, a string or a list of parts.

    Return "" if a person sent something without text, such as an image, and None if all
    of it is the CLI's: context, hooks, results of tools.
    """
    parts = _parts(content)
    body = _FILES.sub("", "".join(_texts(parts)).replace("\r\n", "\n"))
    if body.strip():
        return sanitized(body)
    return "" if any(map(_is_media, parts)) else None


def is_snapshot(content: JsonValue) -> bool:
    """Return True if *content* is the summary that replaces all earlier messages."""
    return any("<state_snapshot>" in text for text in map(_raw, _parts(content)))


def _parts(content: JsonValue) -> list[JsonValue]:
    return content if isinstance(content, list) else [content]


def _texts(parts: list[JsonValue]) -> Iterator[str]:
    for part in parts:
        body = _raw(part)
        if _BLOCK.search(body):
            body = _BLOCK.sub("", body).strip()
        if not as_object(part).get("thought") and not _INJECTED.match(body):
            yield body


def _raw(part: JsonValue) -> str:
    value = as_object(part).get("text") if isinstance(part, dict) else part
    return value if isinstance(value, str) else ""


def _is_media(part: JsonValue) -> bool:
    return any(key in as_object(part) for key in _MEDIA)
