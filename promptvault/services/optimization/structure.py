"""The shape of a template: all in it that is not wording, to be compared.

Two templates have the same shape when they need the same variables in the same
conditions and loops, whatever the text between says, and in whichever order.
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
"""What looks at the names of this template from another prompt."""

_Node = TypeVar("_Node", bound=nodes.Node)


class PartKind(StrEnum):
    """What a part of a template is."""

    EXPRESSION = "expression"
    """As ``{{ name | upper }}``."""
    STATEMENT = "statement"
    """A condition, a loop, an include, a macro, an assignment."""
    LITERAL = "literal"
    """What stands between ``{% raw %}`` and ``{% endraw %}``."""
    TEXT = "text"
    """That there are words at all in a branch; which ones does not matter."""


class TemplatePart(NamedTuple):
    """A part of a template, and where it is."""

    kind: PartKind
    scope: str
    """The branch of conditions, loops and the like that it lies in; '' outside all."""
    form: str
    """Equal for parts that mean the same."""


class TemplateStructure(NamedTuple):
    """What is in a template besides its wording."""

    parts: Counter[TemplatePart]
    """Each part, and how often it is there."""
    variables: frozenset[str]
    """The names that the template does not define itself."""
    wording: Mapping[str, str]
    """How a part with this form is written, in short."""
    owners: Mapping[str, TemplatePart]
    """The statement that a scope is a branch of."""
    texts: tuple[str, ...]
    """The wording, piece by piece."""


def parse_structure(
    environment: Environment, source: str, marker: str
) -> TemplateStructure:
    """Return the shape of a template; raises TemplateError.

    *marker* begins no name in it; it stands for literal blocks.
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
        # Nested too deeply, a number of too many digits: the template's fault.
        raise TemplateError(f"The template fails: {type(error).__name__}") from error
    return TemplateStructure(
        walk.parts,
        frozenset(variables),
        walk.wording,
        walk.owners,
        tuple(walk.texts),
    )


def read_tags(environment: Environment, source: str) -> Iterator[str]:
    """Yield each tag of a template as it is written, literal blocks whole."""
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
    """Return literal blocks by name, and *source* with those names instead of them.

    The syntax tree does not tell a literal block from other text.
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
    """Notes every part of a syntax tree, in the order in which it is rendered."""

    def __init__(self, literals: Mapping[str, str]) -> None:
        self._literals = literals
        self._changed_spaces: dict[str, str] = {}
        """Namespaces: a change in a loop is seen outside of it, too."""
        self.parts: Counter[TemplatePart] = Counter()
        self.wording: dict[str, str] = {}
        self.owners: dict[str, TemplatePart] = {}
        self.texts: list[str] = []

    def block(
        self, body: Sequence[nodes.Node], scope: str, names: dict[str, str]
    ) -> None:
        """Note what is in *body*; *names* says which assignment a name stands for."""
        for node in body:
            if isinstance(node, nodes.Output):
                for child in node.nodes:
                    self._output(child, scope, names)
            else:
                self._statement(node, scope, names)
            if isinstance(node, nodes.Extends):
                scope = _digest(scope, "extends")  # what follows is not printed

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
        """Return what the *values* of *node* mean: as written, and of which names.

        What is included or called may look at any name.
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
        """Let the names that a statement defines mean that statement from now on."""
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
    """Return what a statement says about itself, without what stands inside it."""
    values = [value for name, value in node.iter_fields() if name not in _BODIES]
    if isinstance(node, nodes.If):  # the order of its conditions matters
        values += [other.test for other in node.elif_]
    return values


def _branches(
    node: nodes.Node,
) -> Iterator[tuple[str, list[nodes.Node], set[str]]]:
    """Yield the name and the body of each branch, and the names that it defines."""
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
    """Return the names that some branch of a condition gave another meaning."""
    found: dict[str, str] = {}
    for name in sorted({name for end in ends for name in end}):
        meanings = [end.get(name, "") for end in ends]
        if set(meanings) != {names.get(name, "")}:
            found[name] = _digest(*meanings)
    return found


def _nodes(kind: type[_Node], value: object) -> list[_Node]:
    """Return the nodes of this kind in *value*, itself included."""
    if isinstance(value, list | tuple):
        return [node for each in value for node in _nodes(kind, each)]
    if not isinstance(value, nodes.Node):
        return []
    found = list(value.find_all(kind))
    return [value, *found] if isinstance(value, kind) else found


def _names_in(value: object, *contexts: str) -> Iterator[str]:
    """Yield the names in *value*; with *contexts*, those that are used so."""
    for node in _nodes(nodes.Name, value):
        if not contexts or node.ctx in contexts:
            yield node.name


def _digest(*texts: str) -> str:
    """Return what stands for *texts*, however long they are."""
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
    """Return about how *node* is written; what is long in it becomes '…'."""
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
