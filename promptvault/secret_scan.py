"""Detection and redaction of keys and passwords in texts.

Every saved text is scanned, so a fast check comes first. Only texts that may hold a
secret are checked against the rules (`secret_rules`), which are slow to import.
"""

import re
from collections.abc import Iterator, Sequence

from promptvault.domain.digest import digest
from promptvault.domain.name import slugify
from promptvault.domain.prompt import Content, ContentScan, Details
from promptvault.domain.secret import Secret, SecretSpan
from promptvault.domain.variable import Value

RULES = 1
"""The number of the set of rules; raise it with any change that finds more."""

ALLOWED = "pragma: allowlist secret"
"""A line with this text is not searched for secrets."""

_SHORTEST = 20
"""Characters; every known kind of key is longer, or has a keyword next to it."""
_KEY_CHARACTERS = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.:"
)
_RUNS = bytes(ord("a") if byte in _KEY_CHARACTERS else ord(" ") for byte in range(256))
_RUN = b"a" * _SHORTEST
_HEXADECIMAL = re.compile(r"[0-9a-f-]*+")
"""No rule matches such a text. Ids of messages are digests or UUIDs."""
_KEY_IN_NAME = re.compile(r"(?=[a-z_]*[0-9])[a-z0-9_]{16}")
"""Names are also long runs of `_KEY_CHARACTERS`, but only keys mix digits in."""
_REDACTED_TAG = "redacted"
_MARK = "[redacted: "


def may_hold_secrets(text: str) -> bool:
    """Return False if *text* certainly holds no secret; takes microseconds."""
    if _RUN in text.encode(errors="replace").translate(_RUNS):
        return not _HEXADECIMAL.fullmatch(text)
    return "PRIVATE KEY" in text or ("://" in text and "@" in text)


def find_secrets(text: str) -> list[Secret]:
    """Return the likely secrets in *text*, by line; at most one of each type a line."""
    found = {
        Secret(type_, text.count("\n", 0, start) + 1)
        for type_, start, _ in _spans(text)
    }
    return sorted(found, key=lambda secret: (secret.line, secret.type))


def redacted(text: str) -> str:
    """Return *text* with every likely secret replaced by `[redacted: TYPE]`."""
    while spans := _spans(text):  # the text around a redacted secret may match now
        text = _without(text, spans)
    return text


def is_redacted(text: str) -> bool:
    """Return True if *text*, which may be a tag, has a mark of `redact`."""
    return text == _REDACTED_TAG or _MARK in text


def _without(text: str, spans: list[SecretSpan]) -> str:
    done = end_of_last = 0
    parts = []
    for type_, start, end in spans:
        if start >= end_of_last:
            parts += [text[done:start], f"{_MARK}{type_}]"]
        end_of_last = done = max(done, end)
    return "".join([*parts, text[done:]])


def secret_types(content: Content) -> tuple[str, ...]:
    """Return the types of the likely secrets in a prompt's text and variables."""
    found = {type_ for text in _texts(content) for type_, *_ in _spans(text)}
    return tuple(sorted(found))


def scan_content(content: Content) -> ContentScan:
    """Return what the vault stores about *content* besides itself."""
    return ContentScan(digest(content.body), secret_types(content))


def redacted_content(content: Content) -> Content:
    """Return *content* with the likely secrets in text and variables redacted."""

    def clean(value: Value) -> Value:
        return redacted(value) if isinstance(value, str) else value

    variables = tuple(
        variable._replace(
            description=redacted(variable.description),
            default=None if variable.default is None else clean(variable.default),
            choices=tuple(map(clean, variable.choices)),
        )
        for variable in content.variables
    )
    return content._replace(body=redacted(content.body), variables=variables)


def details_text(name: str, title: str, description: str, tags: Sequence[str]) -> str:
    """Return the details of a prompt as one text to scan.

    The name is left out if it cannot hold a key, because most names are long enough to
    trigger the slow scan.
    """
    lines = [title, description, *tags]
    return "\n".join([*lines, name] if _KEY_IN_NAME.search(name) else lines)


def secrets_of_details(name: str, details: Details) -> Iterator[tuple[str, str]]:
    """Yield each field of a prompt's details with a likely secret, and its type."""
    texts = {
        "name": details_text(name, "", "", ()),
        "title": details.title,
        "description": details.description,
        "tags": "\n".join(details.tags),
    }
    yield from ((field, kind) for field in texts for kind in types_in(texts[field]))


def types_in(text: str) -> tuple[str, ...]:
    """Return the types of the likely secrets in *text*."""
    return tuple(sorted({type_ for type_, *_ in _spans(text)}))


def secrets_in(text: str) -> set[str]:
    """Return the likely secrets in *text*, to compare them; they must not be shown."""
    return {text[start:end] for _, start, end in _spans(text)}


def redacted_details(details: Details) -> Details:
    """Return *details* with the likely secrets redacted."""
    tags = (_REDACTED_TAG if _spans(tag) else tag for tag in details.tags)
    return details._replace(
        title=redacted(details.title),
        description=redacted(details.description),
        tags=tuple(dict.fromkeys(tags)),
    )


def redacted_name(name: str) -> str:
    """Return *name* with the parts that hold a likely secret replaced."""
    if not _KEY_IN_NAME.search(name):
        return name
    parts = (
        part if not _spans(part) else slugify(redacted(part))
        for part in name.split("/")
    )
    return "/".join(parts)


def adds_secrets(before: Content, after: Content) -> bool:
    """Return True if *after* holds a likely secret that *before* does not."""
    return not _strings(after) <= _strings(before)


def _strings(content: Content) -> set[str]:
    return {secret for text in _texts(content) for secret in secrets_in(text)}


def _texts(content: Content) -> Iterator[str]:
    yield content.body
    for variable in content.variables:
        yield variable.description
        yield from map(str, (variable.default or "", *variable.choices))


def _spans(text: str) -> list[SecretSpan]:
    """Return the spans of the likely secrets, in order."""
    if not may_hold_secrets(text):
        return []
    from promptvault import secret_rules  # takes 0.1 s, which few texts need

    found = {
        span for span in secret_rules.find_spans(text) if not _is_allowed(text, span)
    }
    return sorted(found, key=lambda span: (span.start, -span.end, span.type))


def _is_allowed(text: str, span: tuple[str, int, int]) -> bool:
    start = text.rfind("\n", 0, span[1]) + 1
    return ALLOWED in text[start:].partition("\n")[0]
