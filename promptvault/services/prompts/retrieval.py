"""Prompts by NAME@REV: the version, its details, and its rendered text."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from promptvault.domain.name import parse_reference, split_vault
from promptvault.domain.prompt import Content, Origin, Prompt, Version
from promptvault.domain.revision import parse_revision
from promptvault.domain.variable import Variable
from promptvault.errors import InvalidInputError
from promptvault.vault.reader import Reader
from promptvault.vault.sync.team import find_team


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
    """Return the function that finds the prompt which an include names.

    A prompt of the user's own vault may include one of another vault, "acme:style".
    """

    def load(reference: str) -> Content:
        vault, name = split_vault(reference)
        if vault is None:
            return resolve(reader, name)[1].content
        if find_team(reader.connection):
            raise InvalidInputError(
                f"A prompt of a team cannot include {reference!r}: it includes prompts"
                " of its own vault only, by their name alone."
            )
        with reader.other(vault) as other:
            return resolve(other, name)[1].content

    return load
