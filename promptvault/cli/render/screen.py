"""The console that draws on a terminal, which imports rich; see `render_table`."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from promptvault.cli import terminal


class Screen(Console):
    """Rich's console, on which nothing acts but its own colours and movements."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return what is drawn, with every character in it visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else terminal.visible(text), style, control)

    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the program, as with all other output."""
        raise


def text(content: str, style: str = "") -> Text:
    """Return *content* to be drawn, every character of it visible and laid out.

    Rich's own class would drop some characters, and give no room to others.
    """
    return Text(terminal.visible(content), style)


def open_screen() -> Screen:
    """Return the console on stdout, with colour as the user wants it."""
    is_terminal = terminal.stdout_is_terminal()
    # Where forced colours are read is not known; any terminal has the standard ones.
    is_forced = not is_terminal and terminal.has_colour(is_terminal)
    return Screen(
        color_system="standard" if is_forced else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not is_terminal,
    )
