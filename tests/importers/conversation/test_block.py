"""What a person typed in the blocks of a message."""

import pytest

from promptvault.importers.conversation.block import typed_text
from tests.importers.build import Json

NOTE = "<system-reminder>\nBe brief.\n</system-reminder>"


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ("a", "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        (["a", {"text": "b"}], "a\nb"),
        ([{"type": "text", "text": NOTE}, {"type": "text", "text": "a"}], "a"),
        (f"{NOTE}\n{NOTE}\na\n{NOTE}", "a"),
        (f"what is\n{NOTE}\nfor?", f"what is\n{NOTE}\nfor?"),
        ([{"type": "image", "source": {}}], ""),
        ([{"type": "image"}, {"type": "text", "text": "a"}], "a"),
        ([{"type": "tool_result", "content": "a"}], None),
        ([{"type": "thinking", "text": "a"}], None),
        (NOTE, None),
        ("<system-reminder>cut", None),
        ("  ", None),
        (None, None),
        ({"text": "a"}, None),
        ([{"type": "text", "text": 7}, 7, None], None),
    ],
)
def test_typed_text(content: Json, body: str | None) -> None:
    assert typed_text(content) == body


def test_many_reminders_take_little_time() -> None:
    assert typed_text(NOTE * 20_000 + "a" + NOTE * 20_000) == "a"
