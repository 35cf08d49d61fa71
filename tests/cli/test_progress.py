"""The progress bar of an import, for any names of files."""

import io

from rich.console import Console
from rich.progress import Progress

from promptvault.cli import progress
from promptvault.importers.input.document import Document


def test_a_name_is_shown_and_never_obeyed() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=200)
    with Progress(*progress.columns(), console=console) as drawn:
        bar = progress.ImportProgress(drawn)
        document = Document("a[/b]\x1b[2Jc.json", 1, lambda: io.BytesIO(b"{"))
        for watched in bar.follow(iter([document])):
            assert isinstance(watched, Document)
            assert watched.head == b"{"
    assert "a[/b]" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
