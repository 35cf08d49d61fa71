"""A checklist on the terminal."""

from collections.abc import Callable, Sequence

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import (
    Dimension,
    FormattedTextControl,
    HSplit,
    UIContent,
    UIControl,
    Window,
)
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from promptvault.cli import terminal
from promptvault.cli.picker import terminal as picker_terminal

_CHROME = 2
_HINTS = "space choose · a all · enter accept · esc cancel"
_STYLE = Style.from_dict(
    {
        "heading": "bold",
        "pointer": "bold ansimagenta",
        "checked": "bold ansigreen",
        "current": "bold",
        "faint": "dim",
    }
)

Line = tuple[str, str]
"""The bright and the dim text of a line."""


def check(heading: str, lines: Sequence[Line], advice: str) -> list[int] | None:
    """Show a checklist, all checked at first; return the numbers of the checked lines.

    None means that the user left. Standard input and output are not used. Raises
    InvalidInputError with *advice* if there is no terminal.
    """
    with picker_terminal.opened(advice) as (source, sink):
        return picker_terminal.run(Checklist(heading, lines).application(source, sink))


class Checklist:
    """The checked lines, and the highlighted one."""

    def __init__(self, heading: str, lines: Sequence[Line]) -> None:
        self.heading = heading
        self.lines = [tuple(map(_printable, line)) for line in lines]
        self.checked = set(range(len(lines)))
        self.current = 0
        self.page = 1

    def move(self, by: int) -> None:
        """Highlight the line *by* lines further down."""
        self.current = max(0, min(self.current + by, len(self.lines) - 1))

    def toggle(self) -> None:
        """Check or uncheck the highlighted line."""
        self.checked ^= {self.current}

    def toggle_all(self) -> None:
        """Check all lines, or uncheck all if all are checked."""
        everything = set(range(len(self.lines)))
        self.checked = set() if self.checked == everything else everything

    def choose(self) -> None:
        """Exit with the checked lines."""
        get_app().exit(result=sorted(self.checked))

    def leave(self) -> None:
        """Exit without a choice."""
        get_app().exit(result=None)

    def application(self, source: Input, sink: Output) -> Application[list[int] | None]:
        """Return the program that draws on *sink* and reads *source*."""
        keys = _bindings(self)
        return picker_terminal.application(self._layout(), keys, _STYLE, source, sink)

    def _layout(self) -> HSplit:
        top = FormattedTextControl(self._top, show_cursor=False, focusable=True)
        hints: StyleAndTextTuples = [("class:faint", f"  {_HINTS}")]
        return HSplit(
            [
                Window(top, height=1),
                Window(_Lines(self)),
                Window(FormattedTextControl(hints), height=1),
            ],
            height=self._height,
        )

    def _height(self) -> Dimension:
        room = get_app().output.get_size().rows - 1
        return Dimension.exact(max(1, min(len(self.lines) + _CHROME, room)))

    def _top(self) -> StyleAndTextTuples:
        count = f"  {len(self.checked)}/{len(self.lines)}"
        return [("class:heading", self.heading), ("class:faint", count)]


class _Lines(UIControl):
    """The list, which draws only the visible lines."""

    def __init__(self, checklist: Checklist) -> None:
        self._checklist = checklist
        self._top = 0

    def create_content(self, width: int, height: int) -> UIContent:
        checklist = self._checklist
        checklist.page = max(1, height)
        lowest = max(0, checklist.current - height + 1)
        self._top = max(lowest, min(self._top, checklist.current))
        count = min(height, len(checklist.lines) - self._top)
        return UIContent(
            lambda at: self._line(self._top + at), count, show_cursor=False
        )

    def _line(self, at: int) -> StyleAndTextTuples:
        checklist = self._checklist
        name, detail = checklist.lines[at]
        is_current, is_checked = at == checklist.current, at in checklist.checked
        return [
            ("class:pointer", "▌ " if is_current else "  "),
            ("class:checked" if is_checked else "", "[x] " if is_checked else "[ ] "),
            ("class:current" if is_current else "", name),
            ("class:faint", f"  {detail}"),
        ]


def _printable(text: str) -> str:
    """Return *text* as one line, with control characters made visible."""
    shown = terminal.visible(text)
    return "".join(sign if sign.isprintable() else " " for sign in shown)


def _bindings(checklist: Checklist) -> KeyBindings:
    keys = KeyBindings()

    def on(action: Callable[[], None], *names: str) -> None:
        for name in names:
            keys.add(name)(lambda _: action())

    on(checklist.toggle, "space", "x")
    on(checklist.toggle_all, "a")
    on(checklist.choose, "enter")
    on(checklist.leave, "escape", "q", "c-c", "c-d", "c-g", "<sigint>")
    on(lambda: checklist.move(-1), "up", "c-p", "k")
    on(lambda: checklist.move(1), "down", "c-n", "j")
    on(lambda: checklist.move(-checklist.page), "pageup")
    on(lambda: checklist.move(checklist.page), "pagedown")
    on(lambda: checklist.move(-len(checklist.lines)), "home")
    on(lambda: checklist.move(len(checklist.lines)), "end")
    return keys
