"""Finding keys and passwords that were pasted into a text, and taking them out.

Every text that is saved goes through here, so what holds none is told at once: the
rules (`secret_rules`), which take long to import, are asked about the others only.
"""

import re
from collections.abc import Iterator, Sequence

from promptvault.domain.name import slugify
from promptvault.domain.prompt import Content, Details
from promptvault.domain.secret import Secret, SecretSpan
from promptvault.domain.variable import Value

ALLOWED = "pragma: allowlist secret"
"""Anywhere in a line, this says that what looks like a secret there is none."""

_SHORTEST = 20
"""Characters; every known kind of key is longer, or told by the words beside it."""
_BEARING = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.:"
_RUNS = bytes(ord("a") if byte in _BEARING else ord(" ") for byte in range(256))
_RUN = b"a" * _SHORTEST
_KEY_IN_NAME = re.compile(r"(?=[a-z_]*[0-9])[a-z0-9_]{16}")
"""Names are paths of words: long, all of `_BEARING`, but only keys mix digits in."""
_REDACTED_TAG = "redacted"


def may_hold_secrets(text: str) -> bool:
    """Tell, in a microsecond, whether it is worth looking for secrets in *text*."""
    if _RUN in text.encode(errors="replace").translate(_RUNS):
        return True
    return "PRIVATE KEY" in text or ("://" in text and "@" in text)


def find_secrets(text: str) -> list[Secret]:
    """Return the likely secrets in *text*, by line; one of each type a line."""
    found = {
        Secret(type_, text.count("\n", 0, start) + 1)
        for type_, start, _ in _places(text)
    }
    return sorted(found, key=lambda secret: (secret.line, secret.type))


def redacted(text: str) -> str:
    """Return *text* with every likely secret in it replaced by what it was."""
    while places := _places(text):  # what stood beside one may look like one now
        text = _without(text, places)
    return text


def _without(text: str, places: list[SecretSpan]) -> str:
    done = end_of_last = 0
    parts = []
    for type_, start, end in places:
        if start >= end_of_last:
            parts += [text[done:start], f"[redacted: {type_}]"]
        end_of_last = done = max(done, end)
    return "".join([*parts, text[done:]])


def secret_types(content: Content) -> tuple[str, ...]:
    """Return the types of the likely secrets in a prompt's text and its variables."""
    found = {type_ for text in _texts(content) for type_, *_ in _places(text)}
    return tuple(sorted(found))


def redacted_content(content: Content) -> Content:
    """Return *content* without the likely secrets in its text and its variables."""

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
    """Return what is said of a prompt besides its text, to be looked through at once.

    A name that can hold no key is left out: most look long enough to hold one.
    """
    lines = [title, description, *tags]
    return "\n".join([*lines, name] if _KEY_IN_NAME.search(name) else lines)


def types_in(text: str) -> tuple[str, ...]:
    """Return the types of the likely secrets in *text*."""
    return tuple(sorted({type_ for type_, *_ in _places(text)}))


def secrets_in(text: str) -> set[str]:
    """Return the likely secrets in *text*, for a comparison; never to be shown."""
    return {text[start:end] for _, start, end in _places(text)}


def redacted_details(details: Details) -> Details:
    """Return *details* without the likely secrets in title, description and tags."""
    tags = (_REDACTED_TAG if _places(tag) else tag for tag in details.tags)
    return details._replace(
        title=redacted(details.title),
        description=redacted(details.description),
        tags=tuple(dict.fromkeys(tags)),
    )


def redacted_name(name: str) -> str:
    """Return *name* with what the likely secrets in its parts were instead of them."""
    if not _KEY_IN_NAME.search(name):
        return name
    parts = (
        part if not _places(part) else slugify(redacted(part))
        for part in name.split("/")
    )
    return "/".join(parts)


def adds_secrets(before: Content, after: Content) -> bool:
    """Tell whether *after* holds a likely secret that *before* does not."""
    return not _strings(after) <= _strings(before)


def _strings(content: Content) -> set[str]:
    return {secret for text in _texts(content) for secret in secrets_in(text)}


def _texts(content: Content) -> Iterator[str]:
    yield content.body
    for variable in content.variables:
        yield variable.description
        yield from map(str, (variable.default or "", *variable.choices))


def _places(text: str) -> list[SecretSpan]:
    """Return where each likely secret stands, the first one first."""
    if not may_hold_secrets(text):
        return []
    from promptvault import secret_rules  # 0.1 s, for few texts

    found = {
        place for place in secret_rules.find_spans(text) if not _is_allowed(text, place)
    }
    return sorted(found, key=lambda place: (place.start, -place.end, place.type))


def _is_allowed(text: str, place: tuple[str, int, int]) -> bool:
    start = text.rfind("\n", 0, place[1]) + 1
    return ALLOWED in text[start:].partition("\n")[0]
