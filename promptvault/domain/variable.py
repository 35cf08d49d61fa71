"""Declared template variables: their types, and the validation of values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from promptvault.errors import InvalidInputError

Value = str | int | float | bool


class VariableType(StrEnum):
    """The type to which a variable's value is converted before rendering."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


_BOOLEANS = {"true": True, "yes": True, "1": True}
_BOOLEANS |= {"false": False, "no": False, "0": False}


class Variable(NamedTuple):
    """A variable that a template declares in its front matter."""

    name: str
    description: str = ""
    default: Value | None = None
    choices: tuple[Value, ...] = ()
    required: bool = True
    """False renders an empty string if no value is given."""
    type: VariableType = VariableType.STRING

    def default_value(self) -> Value:
        """Return the default value, '' if there is none."""
        if self.default is None:
            return ""
        is_text = isinstance(self.default, str)
        return self.convert(str(self.default)) if is_text else self.default

    def convert(self, text: str) -> Value:
        """Return *text* converted to the type of the variable.

        Raises InvalidInputError if it has the wrong type or is not one of the choices.
        """
        value = self._typed(text)
        if self.choices and value not in self.choices:
            allowed = ", ".join(map(str, self.choices))
            raise InvalidInputError(
                f"Variable {self.name!r} must be one of: {allowed}."
            )
        return value

    def _typed(self, text: str) -> Value:
        try:
            match self.type:
                case VariableType.INTEGER:
                    return int(text)
                case VariableType.NUMBER:
                    return float(text)
                case VariableType.BOOLEAN:
                    return _BOOLEANS[text.strip().lower()]
                case _:
                    return text
        except (ValueError, KeyError):
            message = f"Variable {self.name!r} must be of type {self.type.value}."
            raise InvalidInputError(message) from None


def variables_from_mapping(declared: object) -> tuple[Variable, ...]:
    """Parse a ``variables`` mapping: name to a declaration, or to its default.

    Raises InvalidInputError if a declaration is invalid.
    """
    if not isinstance(declared, Mapping):
        raise InvalidInputError("'variables' must map each name to its declaration.")
    variables = tuple(_variable(str(name), value) for name, value in declared.items())
    try:
        "".join(map(_text_of, variables)).encode()
    except UnicodeEncodeError:
        raise InvalidInputError(
            "A variable's declaration is not valid UTF-8."
        ) from None
    return variables


def _text_of(variable: Variable) -> str:
    return "".join(
        map(str, (variable.description, variable.default, *variable.choices))
    )


def _variable(name: str, declared: object) -> Variable:
    if not name.isidentifier():
        raise InvalidInputError(f"{name!r} cannot be the name of a variable.")
    if declared is None:
        return Variable(name)
    if not isinstance(declared, Mapping):
        return Variable(name, default=_scalar(name, declared), required=False)
    unknown = declared.keys() - _FIELDS
    if unknown:
        raise InvalidInputError(
            f"Variable {name!r} declares {min(map(str, unknown))!r}; known are: "
            + ", ".join(_FIELDS)
        )
    return _checked(name, dict(declared))


_FIELDS = ("description", "default", "choices", "required", "type")


def _checked(name: str, declared: dict[Any, Any]) -> Variable:
    default = declared.get("default")
    choices = declared.get("choices") or ()
    if not isinstance(choices, list | tuple):
        raise InvalidInputError(f"The choices of variable {name!r} must be a list.")
    required = declared.get("required", default is None)
    if not isinstance(required, bool):
        raise InvalidInputError(f"'required' of variable {name!r} is true or false.")
    try:
        kind = VariableType(declared.get("type", "string"))
    except ValueError:
        allowed = ", ".join(VariableType)
        message = f"The type of variable {name!r} must be one of: {allowed}."
        raise InvalidInputError(message) from None
    variable = Variable(
        name,
        str(declared.get("description") or ""),
        None if default is None else _scalar(name, default, kind),
        tuple(_scalar(name, choice, kind) for choice in choices),
        required,
        kind,
    )
    if variable.default is not None:
        variable.convert(str(variable.default))
    return variable


def _scalar(name: str, value: object, kind: VariableType | None = None) -> Value:
    if isinstance(value, str | int | float | bool):
        # YAML may parse text as a number.
        return str(value) if kind is VariableType.STRING else value
    # YAML parses an unquoted 2026-05-01 as a date; the value is its text.
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise InvalidInputError(
        f"Variable {name!r}: a value is text, a number or a yes/no."
    )


def variables_to_mapping(variables: tuple[Variable, ...]) -> dict[str, dict[str, Any]]:
    """Return *variables* as plain data, for front matter, JSON and the vault."""
    return {variable.name: _to_mapping(variable) for variable in variables}


def _to_mapping(variable: Variable) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if variable.description:
        data["description"] = variable.description
    if variable.default is not None:
        data["default"] = variable.default
    if variable.choices:
        data["choices"] = list(variable.choices)
    if variable.required != (variable.default is None):
        data["required"] = variable.required
    if variable.type is not VariableType.STRING:
        data["type"] = variable.type.value
    return data
