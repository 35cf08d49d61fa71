"""Form-encoded parameters with brackets, as Stripe's clients send them."""

from typing import Any
from urllib.parse import parse_qsl


def parse_form(body: bytes) -> dict[str, Any]:
    """Return the parameters: ``a[b][0]=c`` is ``{"a": {"b": ["c"]}}``."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(body.decode(), keep_blank_values=True):
        _put(found, key.replace("]", "").split("["), value)
    return {key: _with_lists(value) for key, value in found.items()}


def _put(found: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        found = found.setdefault(name or str(len(found)), {})
    found[path[-1] or str(len(found))] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    values = {key: _with_lists(each) for key, each in value.items()}
    if values and all(key.isdigit() for key in values):
        return [values[key] for key in sorted(values, key=int)]
    return values
