"""JSON Schemas of answers, as the strict mode of structured outputs wants them."""

from collections.abc import Mapping
from typing import Any

TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}


def list_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a list whose items are as in *schema*."""
    return {"type": "array", "items": schema}


def strict_object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with all of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
