"""How parts of a template are written, in short, for people."""

from jinja2 import nodes

from promptvault.domain.prompt import short_line

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


def written(node: nodes.Node) -> str:
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
