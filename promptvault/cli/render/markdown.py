"""Markdown as it is drawn on a terminal, which imports rich."""

import re
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import (
    CodeBlock,
    Heading,
    Markdown,
    MarkdownElement,
    TableElement,
)
from rich.padding import Padding
from rich.table import Table

from promptvault.cli.render.screen import open_screen, text

_WIDEST = 100
"""Columns; longer lines are hard to read."""
_RELATIVE = re.compile(r"\[([^\]]+)\]\((?!\w+:)[^)]+\)")
"""A link to another file, which a terminal cannot follow."""


class _Heading(Heading):
    """A heading at the left, without a box."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _CodeBlock(CodeBlock):
    """A block of code as it is typed: indented, without colours of a language."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        yield Padding(text(str(self.text).rstrip(), "cyan"), (0, 0, 0, 4))


class _Table(TableElement):
    """A table without empty lines around it."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        for drawn in super().__rich_console__(console, options):
            assert isinstance(drawn, Table)
            drawn.show_edge = False
            yield drawn


class _Page(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _CodeBlock,
        "code_block": _CodeBlock,
        "table_open": _Table,
    }


def markdown(content: str) -> None:
    """Draw *content*; of a link to another file, its words remain."""
    screen = open_screen()
    page = _Page(_RELATIVE.sub(r"\1", content), hyperlinks=False)
    screen.print(page, width=min(screen.width, _WIDEST))
