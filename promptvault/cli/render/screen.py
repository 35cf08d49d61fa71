"""The console that draws on a terminal; it imports rich, see `table.py`."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from promptvault.cli import terminal


class Screen(Console):
    """Rich's console, in which control characters of texts have no effect."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return the segments to draw, with control characters made visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else terminal.visible(text), style, control)

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, which the program handles."""
        raise


def text(content: str, style: str = "") -> Text:
    """Return *content* as Text, with control characters made visible.

    Rich's own class drops some characters, and gives others no width.
    """
    return Text(terminal.visible(content), style)


def open_screen() -> Screen:
    """Return the console on stdout, with colours as configured."""
    is_terminal = terminal.stdout_is_terminal()
    # The reader of forced colours is unknown; every terminal has the standard ones.
    is_forced = not is_terminal and terminal.has_colour(is_terminal)
    return Screen(
        color_system="standard" if is_forced else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not is_terminal,
    )
