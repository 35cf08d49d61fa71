"""The structure of a template: everything but its wording.

Two templates have the same structure if they need the same variables in the same
conditions and loops, in any order and with any text in between.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from jinja2 import Environment, TemplateError, nodes
from jinja2.meta import find_undeclared_variables

from promptvault.domain.prompt import short_line

_BODIES = {"body", "elif_", "else_"}
_MACRO_NAMES = ("caller", "kwargs", "varargs")
_SEEING = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
"""Statements with which another prompt can read the names of this template."""

_Node = TypeVar("_Node", bound=nodes.Node)


class PartKind(StrEnum):
    """The kind of a part of a template."""

    EXPRESSION = "expression"
    """For example ``{{ name | upper }}``."""
    STATEMENT = "statement"
    """A condition, a loop, an include, a macro, an assignment."""
    LITERAL = "literal"
    """Text between ``{% raw %}`` and ``{% endraw %}``."""
    TEXT = "text"
    """Any text in a branch; which text does not matter."""


class TemplatePart(NamedTuple):
    """A part of a template, and its position."""

    kind: PartKind
    scope: str
    """The branch of a condition, loop or other block around it; '' at the top."""
    form: str
    """Equal for parts with the same meaning."""


class TemplateStructure(NamedTuple):
    """The parts of a template, and what is needed to describe them."""

    parts: Counter[TemplatePart]
    """Each part with its count."""
    variables: frozenset[str]
    """The names that the template uses and does not define."""
    wording: Mapping[str, str]
    """Form to an abbreviation of the source, for messages."""
    owners: Mapping[str, TemplatePart]
    """Scope to the statement that it is a branch of."""
    texts: tuple[str, ...]
    """The pieces of plain text."""


def parse_structure(
    environment: Environment, source: str, marker: str
) -> TemplateStructure:
    """Return the structure of the template *source*; raises TemplateError.

    *marker* is a prefix of no name in it; names with it replace literal blocks.
    """
    try:
        literals, marked = _mark_literals(environment, source, marker)
        tree = environment.parse(marked)
        walk = _Walk(literals)
        walk.block(tree.body, "", {})
        variables = find_undeclared_variables(tree) - literals.keys()
    except TemplateError:
        raise
    except Exception as error:
        # For example very deep nesting, or a number with too many digits.
        raise TemplateError(f"The template fails: {type(error).__name__}") from error
    return TemplateStructure(
        walk.parts,
        frozenset(variables),
        walk.wording,
        walk.owners,
        tuple(walk.texts),
    )


def read_tags(environment: Environment, source: str) -> Iterator[str]:
    """Yield each tag of a template as it is written; a literal block is one tag."""
    tag: list[str] = []
    closing = ""
    for _, token, text in environment.lex(source):
        if not closing and token.endswith("_begin") and token != "comment_begin":
            closing = token.replace("_begin", "_end")
        if closing:
            tag.append(text)
        if token == closing:
            yield "".join(tag).strip()
            tag, closing = [], ""


def _mark_literals(
    environment: Environment, source: str, marker: str
) -> tuple[dict[str, str], str]:
    """Return literal blocks by name, and *source* with these names in their place.

    In the syntax tree a literal block could not be distinguished from other text.
    """
    literals: dict[str, str] = {}
    pieces: list[str] = []
    literal: list[str] | None = None
    for _, token, text in environment.lex(source):
        if token == "raw_begin":
            literal = []
        elif token == "raw_end":
            name = f"{marker}{len(literals)}"
            literals[name] = "".join(literal or ())
            pieces.append(f"{{{{ {name} }}}}")
            literal = None
        else:
            (pieces if literal is None else literal).append(text)
    return literals, "".join(pieces)


class _Walk:
    """Collects every part of a syntax tree, in the order of rendering."""

    def __init__(self, literals: Mapping[str, str]) -> None:
        self._literals = literals
        self._changed_spaces: dict[str, str] = {}
        """Namespaces: a change inside a loop is visible outside."""
        self.parts: Counter[TemplatePart] = Counter()
        self.wording: dict[str, str] = {}
        self.owners: dict[str, TemplatePart] = {}
        self.texts: list[str] = []

    def block(
        self, body: Sequence[nodes.Node], scope: str, names: dict[str, str]
    ) -> None:
        """Collect the parts of *body*; *names* maps a name to its last assignment."""
        for node in body:
            if isinstance(node, nodes.Output):
                for child in node.nodes:
                    self._output(child, scope, names)
            else:
                self._statement(node, scope, names)
            if isinstance(node, nodes.Extends):
                scope = _digest(scope, "extends")  # what follows is not rendered

    def _output(self, node: nodes.Expr, scope: str, names: dict[str, str]) -> None:
        if isinstance(node, nodes.TemplateData):
            self.texts.append(node.data)
            if any(map(str.isalnum, node.data)):
                self.parts[TemplatePart(PartKind.TEXT, scope, "")] = 1
        elif isinstance(node, nodes.Name) and node.name in self._literals:
            form = _digest(self._literals[node.name])
            self._note(TemplatePart(PartKind.LITERAL, scope, form), "a literal block")
        else:
            form = self._form(node, [node], names)
            wording = f"{{{{ {abbreviate(node)} }}}}"
            self._note(TemplatePart(PartKind.EXPRESSION, scope, form), wording)

    def _note(self, part: TemplatePart, wording: str) -> None:
        self.parts[part] += 1
        self.wording[part.form] = wording

    def _statement(self, node: nodes.Node, scope: str, names: dict[str, str]) -> None:
        form = type(node).__name__ + self._form(node, _heading(node), names)
        part = TemplatePart(PartKind.STATEMENT, scope, form)
        self._note(part, f"{{% {abbreviate(node)} %}}")
        ends = []
        for branch, body, own in _branches(node):
            inner = {name: names[name] for name in names.keys() - own}
            inner_scope = _digest(scope, form, branch)
            self.owners[inner_scope] = part
            self.block(body, inner_scope, inner)
            ends.append(inner)
        if isinstance(node, nodes.If):
            names |= _merged(names, ends)
        self._bind(node, _digest(scope, form), names)

    def _form(
        self, node: nodes.Node, values: Sequence[object], names: Mapping[str, str]
    ) -> str:
        """Return a text that is equal for the same *values* with the same names.

        An include or a call may read any name, so all names are part of it.
        """
        found = {*_names_in(values, "load")}
        if isinstance(node, _SEEING) or _nodes(nodes.Call, values):
            found |= names.keys() | self._changed_spaces.keys()
        meant = {
            name: (names.get(name), self._changed_spaces.get(name))
            for name in sorted(found)
            if name in names or name in self._changed_spaces
        }
        return repr(values) + (repr(meant) if meant else "")

    def _bind(self, node: nodes.Node, meaning: str, names: dict[str, str]) -> None:
        """Bind the names that a statement defines to *meaning*."""
        match node:
            case nodes.Assign(target=nodes.NSRef(name=name)):
                before = self._changed_spaces.get(name, "")
                self._changed_spaces[name] = _digest(before, meaning)
            case nodes.Assign(target=target) | nodes.AssignBlock(target=target):
                names |= dict.fromkeys(_names_in(target), meaning)
            case nodes.Macro(name=name) | nodes.Import(target=name):
                names[name] = meaning
            case nodes.FromImport(names=imported):
                pairs = [n if isinstance(n, tuple) else (n, n) for n in imported]
                names |= dict.fromkeys((alias for _, alias in pairs), meaning)


def _heading(node: nodes.Node) -> list[object]:
    """Return the fields of a statement without its bodies."""
    values = [value for name, value in node.iter_fields() if name not in _BODIES]
    if isinstance(node, nodes.If):  # their order is significant
        values += [other.test for other in node.elif_]
    return values


def _branches(
    node: nodes.Node,
) -> Iterator[tuple[str, list[nodes.Node], set[str]]]:
    """Yield name and body of each branch, and the names that it defines."""
    own: set[str] = set()
    match node:
        case nodes.For(target=target):
            own = {"loop", *_names_in(target)}
        case nodes.With(targets=targets):
            own = {*_names_in(targets)}
        case nodes.Macro(args=args) | nodes.CallBlock(args=args):
            own = {*_MACRO_NAMES, *_names_in(args)}
    yield from _branch("body", node, own)
    for number, other in enumerate(getattr(node, "elif_", ())):
        yield from _branch("body", other, set(), f"elif {number}")
    yield from _branch("else_", node, set())


def _branch(
    field: str, node: nodes.Node, own: set[str], name: str = ""
) -> Iterator[tuple[str, list[nodes.Node], set[str]]]:
    body = getattr(node, field, None)
    if body or (body is not None and isinstance(node, nodes.If)):
        yield name or field, body, own


def _merged(
    names: Mapping[str, str], ends: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return the names that got another meaning in some branch of a condition."""
    found: dict[str, str] = {}
    for name in sorted({name for end in ends for name in end}):
        meanings = [end.get(name, "") for end in ends]
        if set(meanings) != {names.get(name, "")}:
            found[name] = _digest(*meanings)
    return found


def _nodes(kind: type[_Node], value: object) -> list[_Node]:
    """Return the nodes of class *kind* in *value*, including itself."""
    if isinstance(value, list | tuple):
        return [node for each in value for node in _nodes(kind, each)]
    if not isinstance(value, nodes.Node):
        return []
    found = list(value.find_all(kind))
    return [value, *found] if isinstance(value, kind) else found


def _names_in(value: object, *contexts: str) -> Iterator[str]:
    """Yield the names in *value*; with *contexts*, only those used in one of them."""
    for node in _nodes(nodes.Name, value):
        if not contexts or node.ctx in contexts:
            yield node.name


def _digest(*texts: str) -> str:
    """Return a hash of *texts*."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


_SHORT = 40
_WORDS = {
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.CallBlock: "call",
    nodes.Extends: "extends",
    nodes.FilterBlock: "filter",
    nodes.For: "for",
    nodes.FromImport: "from",
    nodes.If: "if",
    nodes.Import: "import",
    nodes.Include: "include",
    nodes.Macro: "macro",
    nodes.Block: "block",
    nodes.With: "with",
}


def abbreviate(node: nodes.Node) -> str:
    """Return an abbreviation of the source of *node*; long parts become '…'."""
    return short_line(_written(node), _SHORT)


def _written(node: nodes.Node) -> str:
    match node:
        case nodes.Name(name=name):
            return str(name)
        case nodes.Const(value=value):
            return repr(value)
        case nodes.Getattr(node=inner, attr=attribute):
            return f"{_written(inner)}.{attribute}"
        case nodes.Filter(node=inner, name=name, args=args):
            called = "(…)" if args else ""
            return f"{_written(inner) if inner else ''} | {name}{called}"
        case nodes.Call(node=inner):
            return f"{_written(inner)}(…)"
        case nodes.Test(node=inner, name=name):
            return f"{_written(inner)} is {name}"
        case nodes.Not(node=inner):
            return f"not {_written(inner)}"
        case nodes.Stmt():
            return _statement(node)
    return "…"


def _statement(node: nodes.Stmt) -> str:
    word = _WORDS.get(type(node), type(node).__name__.lower())
    match node:
        case nodes.If(test=inner) | nodes.Include(template=inner):
            return f"{word} {_written(inner)}"
        case nodes.Extends(template=inner) | nodes.Import(template=inner):
            return f"{word} {_written(inner)}"
        case nodes.For(target=target, iter=inner):
            return f"{word} {_written(target)} in {_written(inner)}"
        case nodes.Assign(target=inner) | nodes.AssignBlock(target=inner):
            return f"{word} {_written(inner)}"
        case nodes.Macro(name=name) | nodes.Block(name=name):
            return f"{word} {name}"
    return word
