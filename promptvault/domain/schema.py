"""JSON Schemas of answers, for the strict mode of OpenAI's structured outputs.

Lists and texts have bounds: a small model whose answer is held to a schema may repeat
itself for ever, and no schema without bounds ends it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}
TEXT_BOUNDS = ("minLength", "maxLength")
BOUNDS = ("minItems", "maxItems", *TEXT_BOUNDS)
"""The keywords that say how large a list or a text may be."""


def text_of(most: int) -> dict[str, Any]:
    """Return the schema of a text with at most so many characters.

    llama.cpp accepts a number up to 2,000.
    """
    return {"type": "string", "maxLength": most}


TEXT = {"type": "string"}
"""A text of any length; the request's limit of tokens ends it."""


def list_of(schema: Mapping[str, Any], most: int, *, least: int = 0) -> dict[str, Any]:
    """Return the schema of a list with *least* to *most* items that fit *schema*."""
    bounds = {"minItems": least} if least else {}
    return {"type": "array", "items": schema, **bounds, "maxItems": most}


def strict_object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def without_keywords(schema: Any, names: Sequence[str]) -> Any:
    """Return *schema* without the keywords *names*, at any depth."""
    if isinstance(schema, Mapping):
        return {
            key: without_keywords(value, names)
            for key, value in schema.items()
            if key not in names
        }
    if isinstance(schema, list):
        return [without_keywords(each, names) for each in schema]
    return schema
