"""Rendering of templates with Jinja2; a template can include other prompts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    Template,
    TemplateError,
    TemplateNotFound,
    Undefined,
    nodes,
)
from jinja2.meta import find_referenced_templates, find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing as jinja_missing

from promptvault.domain.name import in_vault, split_vault
from promptvault.domain.prompt import Content
from promptvault.domain.variable import Value
from promptvault.errors import InvalidInputError, NotFoundError, PromptVaultError

STDIN = "stdin"
"""The variable for the text on standard input."""

LoadContent = Callable[[str], Content]
"""Returns the prompt that an include names; raises NotFoundError."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The values for a template."""

    values: Mapping[str, str]
    stdin: Callable[[], str | None]
    """Returns the text on standard input, None if it is a terminal; called if used."""


def render(name: str, content: Content, inputs: Inputs, load: LoadContent) -> str:
    """Return the rendered template *content*.

    Raises InvalidInputError, which lists every missing variable or names the error in
    the template or in a value; and NotFoundError for a missing include.
    """
    missing: dict[str, None] = {}
    loader = VaultLoader(name, content, load)
    environment = _environment(loader, missing)
    try:
        used = variables_of(environment, name)
        _refuse_unknown(name, content, inputs.values, used)
        values = _values(loader, inputs, used)
        text = environment.get_template(name).render(values)
    except PromptVaultError:
        raise
    except TemplateError as error:
        if missing:  # which is probably the reason
            raise InvalidInputError(_missing_message(name, content, missing)) from error
        raise _explain(name, error) from error
    except RecursionError:
        raise InvalidInputError(f"The template {name} is nested too deeply.") from None
    except Exception as error:
        # An expression in a template can raise any exception.
        reason = type(error).__name__
        raise InvalidInputError(f"The template {name} fails: {reason}.") from error
    if missing:
        raise InvalidInputError(_missing_message(name, content, missing))
    return text


def used_variables(name: str, content: Content, load: LoadContent) -> frozenset[str]:
    """Return the variables that a template uses; none if it is broken."""
    try:
        return variables_of(environment_for(name, content, load), name)
    except (TemplateError, PromptVaultError):
        return frozenset()


def environment_for(name: str, content: Content, load: LoadContent) -> Environment:
    """Return the Jinja2 environment that renders *content*."""
    return _environment(VaultLoader(name, content, load), {})


def variables_of(environment: Environment, name: str) -> frozenset[str]:
    """Return the variables that the template *name* and its includes use.

    Raises TemplateError, and what the loader raises for an include.
    """
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        template = waiting.pop()
        if template in seen:
            continue
        seen.add(template)
        try:
            tree = parse(environment, template)
        except TemplateNotFound:
            if template == name:
                raise
            continue  # rendering fails, unless the include is optional
        found |= find_undeclared_variables(tree)
        for include in find_referenced_templates(tree):
            if include is not None:
                waiting.append(environment.join_path(include, template))
    return frozenset(found - environment.globals.keys())


def parse(environment: Environment, name: str) -> nodes.Template:
    """Return the syntax tree of the template *name*."""
    loader = environment.loader
    assert isinstance(loader, VaultLoader)
    content = loader.content(name)
    if not content.template:
        literal = nodes.Output([nodes.TemplateData(content.body)], lineno=1)
        tree = nodes.Template([literal], lineno=1)
        tree.set_environment(environment)
        return tree
    return environment.parse(content.body, name)


@dataclass(eq=False)
class VaultLoader(BaseLoader):
    """Loads prompts of the vault for Jinja2; a plain prompt is included literally."""

    name: str
    root: Content
    load_content: LoadContent
    _contents: dict[str, Content] = field(default_factory=dict)

    def content(self, name: str) -> Content:
        """Return the prompt *name*; raises TemplateNotFound."""
        if name == self.name:
            return self.root
        if name not in self._contents:
            try:
                self._contents[name] = self.load_content(name)
            except PromptVaultError as error:
                raise TemplateNotFound(name, str(error)) from error
        return self._contents[name]

    def loaded(self) -> list[Content]:
        """Return every prompt that was loaded so far, the root last."""
        return [*reversed(self._contents.values()), self.root]

    def load(
        self,
        environment: Environment,
        name: str,
        globals: Any = None,
    ) -> Template:
        """Compile the prompt *name*."""
        code = environment.compile(parse(environment, name), name, name)
        return environment.template_class.from_code(environment, code, globals or {})


class _VaultEnvironment(ImmutableSandboxedEnvironment):
    """Records the includes, so that a cycle is an error and not endless recursion."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.includes: dict[str, set[str]] = {}

    def join_path(self, template: str, parent: str) -> str:
        template = _in_vault_of(parent, template)
        self.includes.setdefault(parent, set()).add(template)
        path = _path(self.includes, template, parent)
        if path:
            raise InvalidInputError(
                "The prompts include each other in a cycle: "
                + " → ".join([parent, *path])
            )
        return template


def _in_vault_of(parent: str, include: str) -> str:
    """Return the full name of *include* in *parent*: by default in the same vault."""
    vault, _ = split_vault(parent)
    own, _ = split_vault(include)
    if vault is None or own == vault:
        return include
    if own is None:
        return in_vault(vault, include)
    raise InvalidInputError(
        f"{parent} includes {include!r}, a prompt of another vault; prompts of a team"
        " include those of their own vault only."
    )


def _path(edges: Mapping[str, set[str]], start: str, end: str) -> list[str] | None:
    waiting, seen = [[start]], {start}
    while waiting:
        path = waiting.pop()
        if path[-1] == end:
            return path
        for following in edges.get(path[-1], set()) - seen:
            seen.add(following)
            waiting.append([*path, following])
    return None


def _environment(loader: VaultLoader, missing: dict[str, None]) -> Environment:
    line_end = "\r\n" if "\r\n" in loader.root.body else "\n"
    return _VaultEnvironment(
        loader=loader,
        undefined=_recording(missing),
        keep_trailing_newline=True,
        newline_sequence=line_end,
        autoescape=False,
    )


class _Recorded(Undefined):
    """A strict Undefined that records its name and goes on.

    So one rendering finds all missing variables, while `default(…)` and `is defined`
    work as in any Jinja2 template.
    """

    missing: dict[str, None]

    def _note(self, *_: object, **__: object) -> "_Recorded":
        # A missing attribute of a value is an error, not a missing variable.
        if self._undefined_obj is not jinja_missing:
            raise self._undefined_exception(self._undefined_message)
        self.missing[self._undefined_name or "?"] = None
        return self

    def __str__(self) -> str:
        self._note()
        return ""

    def __iter__(self) -> Any:
        self._note()
        return iter(())

    def __len__(self) -> int:
        self._note()
        return 0

    def __hash__(self) -> int:
        self._note()
        return 0

    def __bool__(self) -> bool:
        self._note()
        return False

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self._note()


def _record(name: str) -> None:
    def note(self: _Recorded, *_: object, **__: object) -> _Recorded:
        return self._note()

    setattr(_Recorded, f"__{name}__", note)


for _operator in (
    "call getitem contains add radd sub rsub mul rmul truediv rtruediv floordiv"
    " rfloordiv mod rmod pow rpow neg pos lt le gt ge eq ne int float complex"
).split():
    _record(_operator)


def _recording(missing: dict[str, None]) -> type[Undefined]:
    return type("Recorded", (_Recorded,), {"missing": missing})


def _refuse_unknown(
    name: str, content: Content, given: Iterable[str], used: frozenset[str]
) -> None:
    declared = [variable.name for variable in content.variables]
    known = [*declared, *sorted(used - set(declared))]
    for key in given:
        if key not in known:
            has = "it has " + ", ".join(known) if known else "it has none"
            raise InvalidInputError(f"{name} has no variable {key!r}; {has}.")


def _values(
    loader: VaultLoader, inputs: Inputs, used: frozenset[str]
) -> dict[str, Value]:
    """Return the values of the variables: given, from stdin, or the defaults.

    If an included prompt also declares a variable, the outer declaration counts.
    """
    declared = {v.name: v for content in loader.loaded() for v in content.variables}
    values: dict[str, Value] = dict(inputs.values)
    for name, variable in declared.items():
        if name in inputs.values:
            values[name] = variable.convert(inputs.values[name])
        elif variable.default is not None or not variable.required:
            values[name] = variable.default_value()
    if STDIN in used and STDIN not in inputs.values:
        piped = inputs.stdin()
        if piped or (piped is not None and STDIN not in values):  # else the default
            values[STDIN] = piped
    return values


def _missing_message(name: str, content: Content, missing: Iterable[str]) -> str:
    descriptions = {v.name: v.description for v in content.variables}
    parts = [
        f"{key} ({descriptions[key]})" if descriptions.get(key) else key
        for key in missing
    ]
    example = " ".join(f"-p {key}=…" for key in missing if key != STDIN)
    hint = f" Give them with {example}." if example else " Pipe the text in."
    return f"{name} lacks a value for: {', '.join(parts)}.{hint}"


def _explain(name: str, error: TemplateError) -> PromptVaultError:
    if isinstance(error.__cause__, NotFoundError):
        return NotFoundError(f"{name} has a missing include: {error.__cause__}")
    line = getattr(error, "lineno", None)
    where = f", line {line}" if line else ""
    message = (error.message or type(error).__name__).rstrip(".")
    return InvalidInputError(f"The template {name}{where}: {message}.")
