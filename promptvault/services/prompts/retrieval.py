"""Prompts by NAME@REV: the version, its details, and its rendered text."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from promptvault.domain.name import parse_reference
from promptvault.domain.prompt import Content, Origin, Prompt, Version
from promptvault.domain.revision import parse_revision
from promptvault.domain.variable import Variable
from promptvault.errors import InvalidInputError
from promptvault.vault.reader import Reader


class ResolvedPrompt(NamedTuple):
    """A prompt at one version, with its origins and variables."""

    prompt: Prompt
    version: Version
    origins: tuple[Origin, ...]
    variables: tuple[Variable, ...]
    """The declared variables, then those that the text uses without a declaration."""


def resolve(reader: Reader, reference: str) -> tuple[Prompt, Version]:
    """Return prompt and version of ``NAME[@REV]``.

    Raises NotFoundError, InvalidInputError.
    """
    parsed = parse_reference(reference)
    prompt = reader.get(parsed.name)
    if parsed.revision is None:
        return prompt, reader.current(prompt)
    return prompt, reader.version(prompt, parse_revision(parsed.revision))


def describe(reader: Reader, reference: str) -> ResolvedPrompt:
    """Return ``NAME[@REV]`` with its origins and variables.

    Raises NotFoundError, InvalidInputError.
    """
    prompt, version = resolve(reader, reference)
    variables = _variables(reader, prompt, version)
    return ResolvedPrompt(prompt, version, reader.origins(prompt), variables)


def _variables(
    reader: Reader, prompt: Prompt, version: Version
) -> tuple[Variable, ...]:
    declared = version.content.variables
    if not version.content.template:
        return declared
    from promptvault.services.prompts.render import used_variables  # imports Jinja2

    used = used_variables(prompt.name, version.content, content_loader(reader))
    names = {variable.name for variable in declared}
    return declared + tuple(Variable(name) for name in sorted(used - names))


def text_of(
    reader: Reader,
    prompt: Prompt,
    version: Version,
    values: Mapping[str, str],
    stdin: Callable[[], str | None],
) -> str:
    """Return the rendered text of a template, or the body of any other prompt.

    Raises InvalidInputError for missing, unknown or invalid *values*, and
    NotFoundError for a missing include.
    """
    if not version.content.template:
        if values:
            raise InvalidInputError(
                f"{prompt.name} is not a template, so -p has nothing to fill;"
                f" 'promptvault set {prompt.name} --template' makes it one."
            )
        return version.body
    # Importing Jinja2 takes 35 ms, which only templates need.
    from promptvault.services.prompts.render import Inputs, render

    inputs = Inputs(values, stdin)
    return render(prompt.name, version.content, inputs, content_loader(reader))


def content_loader(reader: Reader) -> Callable[[str], Content]:
    """Return the function that finds the prompt which an include names."""
    return lambda reference: resolve(reader, reference)[1].content
