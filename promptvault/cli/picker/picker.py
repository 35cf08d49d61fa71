"""The interactive fuzzy picker; this package alone imports prompt_toolkit."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import islice

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    UIContent,
    UIControl,
    VSplit,
    Window,
)
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from promptvault.cli import terminal
from promptvault.cli.picker import terminal as picker_terminal
from promptvault.cli.picker.fuzzy import Choice, Finder, matched_positions
from promptvault.errors import PromptVaultError

__all__ = ["Choice", "pick"]

Preview = Callable[[str], str]

WIDE = 100
"""Columns; on wider terminals the preview is shown at first."""

_ADVICE = "There is no terminal to choose a prompt on; give its NAME instead."
_LEAST_HEIGHT = 10
_LEAST_TITLE = 12
_CHROME = 2
_PREVIEW_CHARACTERS = 20_000
_PREVIEW_SCROLL = 3

# Bold and dim text must be enough without colours, as under NO_COLOR. Only the sixteen
# colours of the terminal are used, because users choose them in their theme.
_STYLE = Style.from_dict(
    {
        "prompt": "bold ansiblue",
        "pointer": "bold ansimagenta",
        "match": "bold nodim underline ansigreen",
        "current": "bold",
        "faint": "dim",
        "tag": "ansicyan",
    }
)

_MATCH = "class:match"


def pick(
    rows: Sequence[Choice], query: str = "", preview: Preview | None = None
) -> str | None:
    """Show *rows* on the terminal; return the name that the user chooses, or None.

    None means that the user left without choosing. *preview* is asked for the body of
    the highlighted row only. Standard input and output are not used, so that
    ``name=$(promptvault pick)`` works. Raises InvalidInputError without a terminal.
    """
    with picker_terminal.opened(_ADVICE) as (source, sink):
        application = _Picker(rows, query, preview).application(source, sink)
        return picker_terminal.run(application)


class _Picker:
    """What the picker shows and which row is highlighted."""

    def __init__(
        self, rows: Sequence[Choice], query: str, preview: Preview | None
    ) -> None:
        self.total = len(rows)
        self.finder = Finder(rows)
        self.query = Buffer(
            document=Document(query, len(query)),
            multiline=False,
            on_text_changed=lambda _: self._restart(),
        )
        self.load = lru_cache(maxsize=100)(_beginning(preview)) if preview else None
        self.preview_wanted: bool | None = None
        self.preview_top = 0
        self.current = 0
        self.page = 1
        self._found: tuple[str, list[Choice]] | None = None
        widths = sorted(_cells(row.name) for row in rows)
        # One name in ten may be wider than its column, to leave room for titles.
        self.name_width = widths[len(widths) * 9 // 10] if widths else 0

    def found(self) -> list[Choice]:
        """Return the rows that match the query; computed once for each drawing."""
        if self._found is None or self._found[0] != self.query.text:
            self._found = self.query.text, self.finder.find(self.query.text)
        return self._found[1]

    def highlighted(self) -> Choice | None:
        """Return the highlighted row, None if no row matches."""
        found = self.found()
        return found[self.current] if found else None

    def move(self, by: int) -> None:
        """Highlight the row *by* rows further down."""
        self.current = max(0, min(self.current + by, len(self.found()) - 1))
        self.preview_top = 0

    def shows_preview(self) -> bool:
        """Return True if there is a preview and it is switched on."""
        if self.load is None:
            return False
        if self.preview_wanted is None:
            return get_app().output.get_size().columns >= WIDE
        return self.preview_wanted

    def toggle_preview(self) -> None:
        """Switch the preview off or on, whatever the width."""
        self.preview_wanted = not self.shows_preview()

    def scroll_preview(self, by: int) -> None:
        """Show the preview *by* lines further down."""
        self.preview_top = max(0, self.preview_top + by)

    def clear(self) -> None:
        """Clear the query."""
        self.query.text = ""

    def choose(self) -> None:
        """Exit with the highlighted row, if there is one."""
        row = self.highlighted()
        if row is not None:
            get_app().exit(result=row.name)

    def leave(self) -> None:
        """Exit without a choice."""
        get_app().exit(result=None)

    def application(self, source: Input, sink: Output) -> Application[str | None]:
        """Return the program that draws on *sink* and reads *source*."""
        keys = _bindings(self)
        return picker_terminal.application(self._layout(), keys, _STYLE, source, sink)

    def _restart(self) -> None:
        self.current = self.preview_top = 0

    def _layout(self) -> HSplit:
        typed = BufferControl(self.query, [BeforeInput("> ", style="class:prompt")])
        pane = VSplit(
            [
                Window(width=1, char="│", style="class:faint"),
                Window(width=1),
                Window(_Preview(self), wrap_lines=True, width=_half),
            ]
        )
        return HSplit(
            [
                Window(typed, height=1),
                Window(FormattedTextControl(self._status), height=1),
                VSplit(
                    [
                        Window(_Rows(self)),
                        ConditionalContainer(pane, Condition(self.shows_preview)),
                    ]
                ),
            ],
            height=self._height,
        )

    def _height(self) -> Dimension:
        lines = get_app().output.get_size().rows
        height = min(max(_LEAST_HEIGHT, lines // 2), lines - 1)
        if not self.shows_preview():
            height = min(height, max(self.total, 1) + _CHROME)
        return Dimension.exact(max(height, 1))

    def _status(self) -> StyleAndTextTuples:
        count = f"  {len(self.found())}/{self.total}"
        hints = "enter choose · esc cancel" + (" · tab preview" if self.load else "")
        gap = get_app().output.get_size().columns - len(count) - len(hints) - 1
        if gap < 2:
            return [("class:prompt", count)]
        return [("class:prompt", count), ("class:faint", " " * gap + hints)]


class _Rows(UIControl):
    """The list, which draws only the visible rows."""

    def __init__(self, picker: _Picker) -> None:
        self._picker = picker
        self._top = 0

    def create_content(self, width: int, height: int) -> UIContent:
        picker, found = self._picker, self._picker.found()
        picker.page = max(1, height)
        lowest = max(0, picker.current - height + 1)
        self._top = max(lowest, min(self._top, picker.current))
        lines = [
            self._line(row, width, at == picker.current)
            for at, row in enumerate(
                islice(found, self._top, self._top + height), self._top
            )
        ]
        if not lines:
            text = "nothing matches; ctrl-u clears" if picker.total else "no prompts"
            lines = [[("class:faint", f"  {text}")]]
        return UIContent(lambda at: lines[at], len(lines), show_cursor=False)

    def _line(self, row: Choice, width: int, current: bool) -> StyleAndTextTuples:
        style, faint = ("class:current",) * 2 if current else ("", "class:faint")
        name, title, tags = _fields(row, self._picker.query.text, style, faint)
        line: StyleAndTextTuples = [("class:pointer", "▌ " if current else "  ")]
        line += name
        column = 2 + min(self._picker.name_width, width * 3 // 5)
        line.append(("", " " * (max(0, column - _cells_of(line)) + 2)))
        room = width - 1 - _cells_of(line)
        end = _joined(tags)
        if room - _cells_of(end) < _LEAST_TITLE:
            # The title is preferred to tags, except for tags that match.
            end = _joined(filter(_is_marked, tags))
        line += _clip(title, room - _cells_of(end))
        return _clip(line + end, width - 1)


class _Preview(UIControl):
    """The pane that shows the prompt of the highlighted row."""

    def __init__(self, picker: _Picker) -> None:
        self._picker = picker

    def create_content(self, width: int, height: int) -> UIContent:
        lines = self._lines(max(1, width))
        top = max(0, min(self._picker.preview_top, len(lines) - height))
        self._picker.preview_top = top
        return UIContent(
            lambda at: lines[top + at], len(lines) - top, show_cursor=False
        )

    def _lines(self, width: int) -> list[StyleAndTextTuples]:
        row, load = self._picker.highlighted(), self._picker.load
        if row is None or load is None:
            return [[]]
        try:
            body = load(row.name)
        except PromptVaultError as error:  # for example, deleted by another process
            body = str(error)
        name, title, tags = _fields(row, self._picker.query.text, "class:current", "")
        if row.title and row.description:
            title += [("class:faint", _in_line(f" · {row.description}"))]
        lines = [line for line in (name, title, _joined(tags)[1:]) if line]
        lines.append([])
        return lines + [[("", line)] for line in _wrap(body, width)]


def _beginning(preview: Preview) -> Preview:
    """Limits for the preview: a prompt may have millions of characters."""

    def load(name: str) -> str:
        body = preview(name)
        cut = len(body) > _PREVIEW_CHARACTERS
        return body[:_PREVIEW_CHARACTERS] + ("…" if cut else "")

    return load


@lru_cache(maxsize=100)
def _wrap(text: str, width: int) -> tuple[str, ...]:
    shown = terminal.visible(text.replace("\r\n", "\n"))
    return tuple(
        line
        for paragraph in shown.split("\n")
        for line in textwrap.wrap(
            paragraph, width, replace_whitespace=False, break_on_hyphens=False
        )
        or [""]
    )


def _cells(text: str) -> int:
    """Return the width of *text* in columns."""
    return len(text) if text.isascii() else get_cwidth(text)


def _fields(
    row: Choice, query: str, style: str, faint: str
) -> tuple[StyleAndTextTuples, StyleAndTextTuples, list[StyleAndTextTuples]]:
    """Return name, title and each tag, with the matches of *query* marked."""
    marks = matched_positions(row, query)
    at = len(row.name) + 1
    name = _paint(row.name, style, marks, 0)
    title = _paint(row.title, faint, marks, at)
    at += len(row.title) + 1
    tags: list[StyleAndTextTuples] = []
    for tag in row.tags:
        tags.append([("class:tag", "#"), *_paint(tag, "class:tag", marks, at)])
        at += len(tag) + 1
    if not row.title:
        title = _paint(row.description, faint, frozenset(), 0)
    return name, title, tags


def _cells_of(line: StyleAndTextTuples) -> int:
    return sum(_cells(fragment[1]) for fragment in line)


def _joined(tags: Iterable[StyleAndTextTuples]) -> StyleAndTextTuples:
    """Return the tags in a line, each after a space, the first one after two."""
    line: StyleAndTextTuples = []
    for tag in tags:
        line += [("", " " if line else "  "), *tag]
    return line


def _is_marked(line: StyleAndTextTuples) -> bool:
    return any(fragment[0].endswith(_MATCH) for fragment in line)


def _paint(
    text: str, style: str, marks: frozenset[int], start: int
) -> StyleAndTextTuples:
    """Return *text*, at *start* of the searched text, with its matches marked."""
    return [
        (f"{style} {_MATCH}" if at in marks else style, _in_line(character))
        for at, character in enumerate(text, start)
    ]


def _in_line(text: str) -> str:
    """Return *text* as one line, with control characters made visible."""
    return terminal.visible(text).replace("\n", " ").replace("\t", " ")


def _clip(line: StyleAndTextTuples, width: int) -> StyleAndTextTuples:
    """Cut *line* to *width* columns, with an ellipsis if it is longer."""
    if _cells_of(line) <= width:
        return line
    if width < 1:
        return []
    clipped: StyleAndTextTuples = []
    room = width - 1
    for style, text, *_ in line:
        if _cells(text) > room:
            break
        clipped.append((style, text))
        room -= _cells(text)
    return [*clipped, ("class:faint", "…")]


def _half() -> Dimension:
    return Dimension.exact(get_app().output.get_size().columns // 2 - 2)


def _bindings(picker: _Picker) -> KeyBindings:
    """Return the keys that are not those of editing the query."""
    keys = KeyBindings()

    def on(action: Callable[[], None], *names: str) -> None:
        for name in names:
            keys.add(name)(lambda _: action())

    def paste(event: KeyPressEvent) -> None:
        picker.query.insert_text(" ".join(event.data.split()))

    keys.add(Keys.BracketedPaste)(paste)
    on(picker.choose, "enter")
    on(picker.leave, "escape", "c-c", "c-d", "c-g", "<sigint>")
    on(lambda: picker.move(-1), "up", "c-p")
    on(lambda: picker.move(1), "down", "c-n")
    on(lambda: picker.move(-picker.page), "pageup")
    on(lambda: picker.move(picker.page), "pagedown")
    on(picker.clear, "c-u")
    on(picker.toggle_preview, "tab")
    on(lambda: picker.scroll_preview(-_PREVIEW_SCROLL), "s-up")
    on(lambda: picker.scroll_preview(_PREVIEW_SCROLL), "s-down")
    on(lambda: None, "c-z")  # otherwise prompt_toolkit inserts the character
    return keys
