"""`lint`: prompts that fail, that leak a secret, or that are probably mistaken."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from jinja2 import Environment, TemplateError, TemplateNotFound, nodes
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from promptvault.domain.prompt import Content, Prompt, Version
from promptvault.domain.token import estimate_tokens
from promptvault.errors import PromptVaultError
from promptvault.secret_scan import find_secrets
from promptvault.services.prompts.render import (
    STDIN,
    LoadContent,
    VaultLoader,
    environment_for,
    parse,
    variables_of,
)
from promptvault.services.prompts.retrieval import content_loader, resolve
from promptvault.vault.reader import Reader, Selection

MAX_TOKENS = 100_000
"""Tokens; longer prompts exceed the context of many models."""

_INCLUDES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
_FIELD = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)[^{}\n]*\}\}")


class Severity(StrEnum):
    """The severity of a finding."""

    ERROR = "error"
    """The prompt fails, or leaks a secret."""
    WARNING = "warning"
    INFO = "info"


class Finding(NamedTuple):
    """One mistake in a prompt."""

    prompt: str
    severity: Severity
    code: str
    """A stable identifier of the kind of mistake, for example ``unknown-include``."""
    message: str
    line: int | None = None
    """Line of the prompt's text, counted from 1; None for the whole prompt."""


class LintResult(NamedTuple):
    """The findings for one prompt."""

    name: str
    tokens: int
    """Estimated tokens of the text, without includes."""
    findings: tuple[Finding, ...]
    """Sorted by severity, then by line."""

    def count(self, severity: Severity) -> int:
        """Return the number of findings with this severity."""
        return sum(finding.severity is severity for finding in self.findings)


def lint_prompts(reader: Reader, names: Sequence[str] = ()) -> list[LintResult]:
    """Check the prompts ``NAME[@REV]``, or all prompts without *names*.

    Raises NotFoundError.
    """
    load = _cached(content_loader(reader))
    chosen = dict.fromkeys(names)
    found = (resolve(reader, name) for name in chosen) if names else _all(reader)
    return [_linted(prompt.name, version.content, load) for prompt, version in found]


def find_template_error(reader: Reader, name: str) -> Finding | None:
    """Return the finding why the template *name* cannot be rendered, None if it can."""
    (linted,) = lint_prompts(reader, [name])
    errors = (each for each in linted.findings if each.severity is Severity.ERROR)
    return next((each for each in errors if each.code != "likely-secret"), None)


def _all(reader: Reader) -> Iterator[tuple[Prompt, Version]]:
    for prompt in reader.prompts(Selection()):
        yield prompt, reader.current(prompt)


def _cached(load: LoadContent) -> LoadContent:
    """Return a *load* that looks up each include once, found or not."""
    known: dict[str, Content | PromptVaultError] = {}

    def load_once(reference: str) -> Content:
        if reference not in known:
            try:
                known[reference] = load(reference)
            except PromptVaultError as error:
                known[reference] = error
        found = known[reference]
        if isinstance(found, PromptVaultError):
            raise found
        return found

    return load_once


def _linted(name: str, content: Content, load: LoadContent) -> LintResult:
    tokens = estimate_tokens(content.body)
    findings = [*_secrets(name, content), *_length(name, tokens)]
    if content.template:
        findings += _Template(name, content, load).findings()
    else:
        findings += _literal(name, content)
    order = list(Severity)
    findings.sort(key=lambda found: (order.index(found.severity), found.line or 0))
    return LintResult(name, tokens, tuple(findings))


def _secrets(name: str, content: Content) -> Iterator[Finding]:
    advice = "Take it out, and revoke it: the history keeps it."
    for secret in find_secrets(content.body):
        message = f"Likely a secret ({secret.type}). {advice}"
        yield Finding(name, Severity.ERROR, "likely-secret", message, secret.line)
    for variable in content.variables:
        for secret in find_secrets(str(variable.default or "")):
            message = f"The default of {variable.name!r} is likely a secret"
            message += f" ({secret.type}). {advice}"
            yield Finding(name, Severity.ERROR, "likely-secret", message)


def _length(name: str, tokens: int) -> Iterator[Finding]:
    if tokens > MAX_TOKENS:
        message = f"About {tokens:,} tokens, more than many models accept."
        yield Finding(name, Severity.WARNING, "too-long", message)


def _literal(name: str, content: Content) -> Iterator[Finding]:
    """Check a prompt that is not a template, but may be meant as one."""
    field = _FIELD.search(content.body)
    if field is None:
        yield from _unused(name, content, frozenset())
        return
    severity = Severity.WARNING if content.variables else Severity.INFO
    message = f"{{{{ {field[1]} }}}} is not filled in, as this is no template."
    message += f" 'promptvault set {name} --template' makes it one."
    line = content.body.count("\n", 0, field.start()) + 1
    yield Finding(name, severity, "looks-like-template", message, line)


def _unused(name: str, content: Content, used: frozenset[str]) -> Iterator[Finding]:
    for variable in content.variables:
        if variable.name not in used:
            message = f"The variable {variable.name!r} is declared but never used."
            yield Finding(name, Severity.WARNING, "unused-variable", message)


class _Template:
    """Checks a template in the environment that renders it."""

    def __init__(self, name: str, content: Content, load: LoadContent) -> None:
        self._name = name
        self._content = content
        self._environment = environment_for(name, content, load)
        self._includes_are_known = True

    def findings(self) -> Iterator[Finding]:
        """Yield the findings for the template and its includes."""
        try:
            tree = _checked(self._environment, self._name)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            yield self._error("syntax", _reason(error), line)
            return
        broken = list(self._broken_includes(tree))
        yield from broken
        yield from self._undeclared(tree)
        if not broken and self._includes_are_known:
            used = variables_of(self._environment, self._name)
            yield from _unused(self._name, self._content, used)

    def _error(self, code: str, message: str, line: int | None) -> Finding:
        return Finding(self._name, Severity.ERROR, code, message, line)

    def _broken_includes(self, tree: nodes.Template) -> Iterator[Finding]:
        for reference, line in self._references(tree):
            problem = self._problem(reference)
            if problem:
                yield self._error(*problem, line)

    def _references(self, tree: nodes.Template) -> Iterator[tuple[str, int]]:
        for node in tree.find_all(_INCLUDES):
            if isinstance(node, nodes.Include) and node.ignore_missing:
                continue
            single = nodes.Template([node], lineno=node.lineno)
            for reference in find_referenced_templates(single):
                if reference is None:  # computed during rendering
                    self._includes_are_known = False
                else:
                    yield reference, node.lineno

    def _problem(self, reference: str) -> tuple[str, str] | None:
        """Return code and message if an include is broken, directly or further down."""
        waiting, seen = [(self._name, reference)], set[str]()
        while waiting:
            parent, child = waiting.pop()
            by = "" if parent == self._name else f" {parent} includes it."
            try:
                child = self._environment.join_path(child, parent)
            except PromptVaultError as error:
                return "include-cycle", str(error)
            if child in seen:
                continue
            seen.add(child)
            try:
                tree = _checked(self._environment, child)
            except TemplateNotFound as error:
                return "unknown-include", f"{error.__cause__ or error}{by}"
            except TemplateError as error:
                return "syntax", f"In the included {child}: {_reason(error)}{by}"
            waiting += [(child, name) for name, _ in self._references(tree)]
        return None

    def _undeclared(self, tree: nodes.Template) -> Iterator[Finding]:
        loader = self._environment.loader
        assert isinstance(loader, VaultLoader)
        known = {v.name for content in loader.loaded() for v in content.variables}
        known |= {STDIN, *self._environment.globals}
        severity = Severity.WARNING if self._content.variables else Severity.INFO
        names = list(tree.find_all(nodes.Name))
        lines = {node.name: node.lineno for node in reversed(names)}
        for name in sorted(find_undeclared_variables(tree) - known):
            message = f"The variable {name!r} is used but not declared."
            line = lines.get(name)
            yield Finding(self._name, severity, "undeclared-variable", message, line)


def _checked(environment: Environment, name: str) -> nodes.Template:
    """Return the syntax tree of *name*; raises TemplateError, PromptVaultError.

    The search for variables also fails for unknown filters, which parsing accepts.
    """
    try:
        tree = parse(environment, name)
        find_undeclared_variables(tree)
    except (PromptVaultError, TemplateError):
        raise
    except Exception as error:
        # For example very deep nesting, or a number with too many digits.
        reason = type(error).__name__
        raise TemplateError(f"The template fails: {reason}") from error
    return tree


def _reason(error: TemplateError) -> str:
    return (error.message or type(error).__name__).rstrip(".") + "."
