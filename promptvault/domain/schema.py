"""JSON Schemas of answers, for the strict mode of OpenAI's structured outputs."""

from collections.abc import Mapping
from typing import Any

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}


def list_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a list whose items fit *schema*."""
    return {"type": "array", "items": schema}


def strict_object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
