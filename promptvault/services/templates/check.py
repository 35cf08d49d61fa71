"""Proposed templates, and the check that they work."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from promptvault.domain.name import slugify
from promptvault.domain.prompt import Content, clean_line, validate_body
from promptvault.domain.schema import BOOLEAN, list_of, strict_object, text_of
from promptvault.domain.variable import (
    Variable,
    VariableType,
    variables_from_mapping,
)
from promptvault.errors import InvalidInputError, NotFoundError, PromptVaultError
from promptvault.importers.tools.template import is_variable_name
from promptvault.secret_scan import secret_types
from promptvault.services.prompts import render
from promptvault.services.prompts.render import STDIN, Inputs
from promptvault.services.templates.draft import TemplateDraft

_NAME = "template"
_LONGEST_TITLE = 80
_LONGEST_DESCRIPTION = 300
_MOST_TAGS = 8
_LONGEST_TAG = 30
_LONGEST_NAME, _LONGEST_CHOICE, _MOST_CHOICES = 60, 200, 8
_SAMPLES = {
    VariableType.STRING: "sample",
    VariableType.INTEGER: "1",
    VariableType.NUMBER: "1.5",
    VariableType.BOOLEAN: "true",
}


VARIABLE = strict_object(
    name=text_of(_LONGEST_NAME),
    description=text_of(_LONGEST_DESCRIPTION),
    default={"type": ["string", "null"]},
    choices=list_of(text_of(_LONGEST_CHOICE), _MOST_CHOICES),
    required=BOOLEAN,
    type={"type": "string", "enum": list(VariableType)},
)


def parse_draft(value: Mapping[str, Any]) -> TemplateDraft:
    """Return the template in a model's answer; raises InvalidInputError.

    The answer has `title`, `description`, `tags`, `body`, and `variables` that fit
    VARIABLE.
    """
    declared = {each["name"]: _declaration(each) for each in value["variables"]}
    if len(declared) < len(value["variables"]):
        raise InvalidInputError("A variable is declared twice.")
    unfit = [name for name in declared if not is_variable_name(name)]
    if unfit:
        raise InvalidInputError(f"{unfit[0]!r} cannot be the name of a variable.")
    tags = (slugify(tag, _LONGEST_TAG) for tag in value["tags"])
    return TemplateDraft(
        _line(value["title"], _LONGEST_TITLE),
        _line(value["description"], _LONGEST_DESCRIPTION),
        tuple(dict.fromkeys(filter(None, tags)))[:_MOST_TAGS],
        Content(validate_body(value["body"]), True, variables_from_mapping(declared)),
    )


def _declaration(variable: Mapping[str, Any]) -> dict[str, Any]:
    kind = VariableType(variable["type"])
    given = {key: variable[key] for key in ("description", "required", "type")}
    given["description"] = _line(given["description"], _LONGEST_DESCRIPTION)
    read = Variable(variable["name"], type=kind).convert
    if variable["default"] is not None:
        # A variable with a default is optional.
        given |= {"default": read(variable["default"]), "required": False}
    return given | {"choices": [read(choice) for choice in variable["choices"]]}


def _line(text: str, limit: int) -> str:
    line = clean_line(text)
    return line if len(line) <= limit else line[:limit].rsplit(" ", 1)[0]


def find_fault(content: Content) -> str | None:
    """Return what is wrong with a proposed template, None if it is valid.

    A valid template renders to some text, uses exactly the variables that it declares,
    includes no other prompt, and holds no likely secret.
    """
    declared = {variable.name for variable in content.variables}
    try:
        used = find_variables(content) - {STDIN}
        if used != declared:
            return _difference(declared, used)
        if not fill_template(content, _samples(content.variables)).strip():
            return "It renders to nothing."
    except TemplateError as error:
        where = f" (line {error.lineno})" if hasattr(error, "lineno") else ""
        return f"The body is no valid Jinja2 template{where}."
    except PromptVaultError as error:
        return str(error)
    except (RecursionError, ArithmeticError, TypeError, ValueError):
        return "The template fails."
    types = secret_types(content)
    return f"It holds a likely secret ({', '.join(types)})." if types else None


def find_variables(content: Content) -> frozenset[str]:
    """Return the variables that a template uses, `stdin` included.

    Raises TemplateError, and NotFoundError for an include.
    """
    environment = render.environment_for(_NAME, content, _no_include)
    return render.variables_of(environment, _NAME)


def fill_template(content: Content, values: Mapping[str, str]) -> str:
    """Return the template rendered with *values*; raises InvalidInputError."""
    inputs = Inputs(values, lambda: "sample")
    return render.render(_NAME, content, inputs, _no_include)


def _no_include(reference: str) -> Content:
    raise NotFoundError("It must not include other prompts.")


def _difference(declared: set[str], used: frozenset[str]) -> str:
    if declared - used:
        names = ", ".join(sorted(declared - used))
        return f"Declared but not used in the body: {names}."
    names = ", ".join(sorted(used - declared))
    return f"Used in the body but not declared: {names}."


def _samples(variables: Sequence[Variable]) -> dict[str, str]:
    return {each.name: _sample(each) for each in variables}


def _sample(variable: Variable) -> str:
    if variable.choices:
        return str(variable.choices[0])
    if variable.default is not None:
        return str(variable.default)
    return _SAMPLES[variable.type]
