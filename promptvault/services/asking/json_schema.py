"""JSON Schemas that people write: validated first, and never fetched."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from promptvault.errors import InvalidInputError


def validate_schema(schema: Any) -> None:
    """Raise InvalidInputError if *schema* is invalid or has a reference outside itself.

    References are never fetched from the network.
    """
    try:
        _validator_class(schema).check_schema(schema)
        _resolve_all(schema)
    except SchemaError as error:
        raise InvalidInputError(
            f"it is no JSON Schema: at {error.json_path} it breaks the rule"
            f" {error.validator!r}."
        ) from None
    except RecursionError:
        raise InvalidInputError("the schema is nested too deeply.") from None


def find_mismatch(value: Any, schema: Any) -> str | None:
    """Return how *value* violates *schema*, None if it is valid."""
    try:
        validator = _validator_class(schema)(schema, registry=Registry())
        error = next(iter(validator.iter_errors(value)), None)
    except RecursionError:
        return "is nested too deeply for the schema"
    except TimeoutError:
        raise
    except Exception as error:
        # The library itself fails on, for example, extremely large numbers.
        return f"cannot be held against the schema ({type(error).__name__})"
    if error is None:
        return None
    rule = error.validator_value
    short = f" {rule}" if isinstance(rule, str | int | float | list) else ""
    return f"breaks the rule {error.validator!r}{short} at {error.json_path}"


def _validator_class(schema: Any) -> type[Validator]:
    return validator_for(schema, default=Draft202012Validator)


def _resolve_all(schema: Any) -> None:
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    resolver = Registry[Any]().resolver_with_root(resource)
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            message = f"it refers to {reference}, which is not in it."
            raise InvalidInputError(message) from None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            if key in {"$ref", "$dynamicRef"} and isinstance(below, str):
                yield below
            yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)
