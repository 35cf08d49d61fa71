"""Draw the README's picture from the program's output on a terminal: `python -m
tests.contracts.picture`.
"""

import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.terminal_kit import on_a_terminal

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / ".github" / "tour.svg"
COMMANDS = (
    "search invoice --limit 2",
    "log slow-orders-query",
    "diff slow-orders-query@1 @2",
)
_COLUMNS = 100
_THEME = TerminalTheme(
    (41, 41, 41),
    (197, 200, 198),
    [
        *((75, 78, 85), (204, 85, 90), (152, 168, 75), (208, 179, 68)),
        *((96, 138, 177), (152, 114, 159), (104, 160, 179), (197, 200, 198)),
    ],
)
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def printed(folder: Path) -> Text:
    """Return the commands and what they print, in a new vault under *folder*."""
    environment = {
        "PROMPTVAULT_HOME": str(folder / "home"),
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "COLUMNS": str(_COLUMNS),
        "TZ": "UTC",
    }
    program = [
        str(shutil.which("env")),
        *(f"{key}={value}" for key, value in environment.items()),
    ]
    program += [sys.executable, "-m", "promptvault"]
    on_a_terminal([*program, "import", str(ROOT / "examples" / "chatgpt-export")])
    drawn = Text()
    for command in COMMANDS:
        _, screen = on_a_terminal([*program, *command.split(), "--no-pager"])
        drawn.append("$ ", "green").append(f"promptvault {command}\n", "bold")
        drawn.append_text(Text.from_ansi(screen.replace("\r\n", "\n").rstrip()))
        drawn.append("\n\n")
    drawn.rstrip()
    return drawn


def draw(drawn: Text) -> str:
    """Return the picture of a terminal, which needs no font from elsewhere."""
    screen = Console(
        record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True
    )
    screen.print(drawn)
    svg = screen.export_svg(title="promptvault", theme=_THEME, unique_id="tour")
    return _FONT_FACE.sub("", svg).replace("Fira Code, monospace", _FONTS)


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        PICTURE.write_text(draw(printed(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
