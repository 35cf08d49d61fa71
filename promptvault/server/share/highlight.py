"""A prompt's text as HTML: what Jinja reads in a template is set off, and invisible
characters are shown as boxes with their code points.

All text is escaped; only the pieces of this module are markup.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from markupsafe import Markup, escape

from promptvault.domain.invisible import describe_invisible, find_invisible

_JINJA = Environment(keep_trailing_newline=True)  # nothing is rendered
_INCLUDES = frozenset({"include", "import", "from", "extends"})
_INCLUDED = re.compile(r"""["']([^"']+)["']""")

_PLAIN, _VARIABLE, _BLOCK = "", "v", "b"
_INCLUDE, _LITERAL, _COMMENT = "i", "l", "c"
"""The classes of pieces, as `share.css` colours them."""
_KINDS = {
    "variable_begin": _VARIABLE,
    "block_begin": _BLOCK,
    "comment_begin": _COMMENT,
}
_ENDS = frozenset({"variable_end", "block_end", "comment_end"})


class Piece(NamedTuple):
    """A part of the text, all of one kind."""

    kind: str
    text: str


class Highlighted(NamedTuple):
    """A text as it is shown."""

    html: Markup
    includes: tuple[str, ...]
    """The names of prompts that it includes; they are not part of the share."""
    names: tuple[str, ...]
    """The variables that a template uses."""
    invisible: int
    """The number of invisible characters."""


@lru_cache(maxsize=128)
def highlight_short(body: str, template: bool) -> Highlighted:
    """Return what `highlight` returns, and keep it for the next reader."""
    return highlight(body, template)


@lru_cache(maxsize=8)
def highlight_long(body: str, template: bool) -> Highlighted:
    """Return what `highlight` returns, and keep it: it takes seconds at the worst."""
    return highlight(body, template)


def highlight(body: str, template: bool) -> Highlighted:
    """Return a prompt's text as HTML; a broken template is shown as plain text."""
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    pieces, names = [Piece(_PLAIN, text)], set[str]()
    if template:
        with contextlib.suppress(TemplateSyntaxError, RecursionError):
            pieces = [*_pieces(text)]
            names = find_undeclared_variables(_JINJA.parse(text))
    return Highlighted(
        Markup("".join(map(_markup, pieces))),  # each piece is escaped
        tuple(dict.fromkeys(_included(pieces))),
        tuple(sorted(names - _JINJA.globals.keys())),
        sum(1 for _ in find_invisible(text)),
    )


def visible(text: str) -> Markup:
    """Return *text* as HTML in which invisible characters are boxes."""
    parts, start = list[str](), 0
    for at in find_invisible(text):
        code = describe_invisible(text[at])
        parts += (escape(text[start:at]), f'<span class="u">{code}</span>')
        start = at + 1
    return Markup("".join([*parts, escape(text[start:])]))


def without_invisible(text: str) -> str:
    """Return *text* without its invisible characters, for previews of a link."""
    hidden = {*find_invisible(text)}
    if not hidden:
        return text
    return "".join(each for at, each in enumerate(text) if at not in hidden)


def _markup(piece: Piece) -> str:
    html = visible(piece.text)
    return html if piece.kind == _PLAIN else f'<span class="{piece.kind}">{html}</span>'


def _pieces(text: str) -> Iterator[Piece]:
    """Yield what the tokens of Jinja's lexer stand for.

    The lexer leaves out blanks that a ``-`` removes, so each token is looked up in the
    text.
    """
    kind, start, position = _PLAIN, 0, 0
    for _, token, value in _JINJA.lexer.tokeniter(text, None):
        at = text.index(value, position)
        position = at + len(value)
        if token in {"raw_begin", "raw_end"}:
            yield Piece(kind, text[start:at])
            yield Piece(_BLOCK, value)
            kind = _LITERAL if token == "raw_begin" else _PLAIN
            start = position
        elif token in _KINDS:
            yield Piece(kind, text[start:at])
            kind, start = _KINDS[token], at
        elif token in _ENDS:
            yield Piece(kind, text[start:position])
            kind, start = _PLAIN, position
        elif kind == _BLOCK and token == "name" and value in _INCLUDES:
            kind = _INCLUDE
    yield Piece(kind, text[start:])


def _included(pieces: Iterable[Piece]) -> Iterator[str]:
    for piece in pieces:
        if piece.kind == _INCLUDE and (found := _INCLUDED.search(piece.text)):
            yield found[1]
