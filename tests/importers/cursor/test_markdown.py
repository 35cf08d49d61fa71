"""Chats that Cursor exported as Markdown."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptvault.importers.cursor import source as cursor
from promptvault.importers.cursor.date import export_time
from promptvault.importers.input.candidate import Item
from tests.importers.build import bodies, candidates, document, skipped

HEAD = "# A chat\n_Exported on 7/8/2025 at 19:03:40 PDT from Cursor (1.2.2)_\n\n---\n\n"


def turn(text: str, who: str = "User") -> str:
    return f"**{who}**\n\n{text}\n\n"


def export(*turns: str, head: str = HEAD) -> str:
    return head + "---\n\n".join(turns)


def read(text: str) -> list[Item]:
    each = document(text.encode(), "cursor_a_chat.md")
    assert cursor.probe(each)
    return list(cursor.read(each))


def test_export() -> None:
    items = read(export(turn("hello\n\nthere"), turn("Hi.", "Cursor"), turn("go on")))
    assert bodies(items) == ["hello\n\nthere", "go on"]
    first, second = candidates(items)
    assert (first.opening, second.opening) == (True, False)
    assert first.conversation_title == "A chat"
    assert first.drafts[0].created_at == datetime(2025, 7, 9, 2, 3, 40, tzinfo=UTC)


def test_rules_and_names_within_an_answer_are_text() -> None:
    answer = "A plan:\n\n---\n\n1. **User**\n\n---\n**User**\n\nDone."
    assert bodies(read(export(turn("hello"), turn(answer, "Cursor")))) == ["hello"]


def test_turns_within_a_code_block_are_text() -> None:
    quoted = f"```markdown\n{export(turn('no'), turn('no', 'Cursor'))}```\n\nSo."
    text = export(turn("hello"), turn(quoted, "Cursor"), turn("go on"))
    assert bodies(read(text)) == ["hello", "go on"]


def test_person_may_quote_turns_too() -> None:
    quoted = f"what is this?\n~~~\n---\n\n{turn('x', 'Cursor')}~~~"
    assert bodies(read(export(turn(quoted), turn("Hi.", "Cursor")))) == [quoted]


@pytest.mark.parametrize(
    "answer", ["Hi.", "Do:\n\n```py\nx\n```", "Do:\n\n```\nx\n```"]
)
def test_code_block_without_an_end_ends_with_its_turn(answer: str) -> None:
    broken = "why?\n```sql\nSELECT 1"
    text = export(turn(broken), turn(answer, "Cursor"), turn("go on"))
    assert bodies(read(text)) == [broken, "go on"]


def test_code_within_a_line_is_no_code_block() -> None:
    text = export(turn("```x``` and"), turn("Hi.", "Cursor"), turn("go on"))
    assert bodies(read(text)) == ["```x``` and", "go on"]


def test_several_chats_in_one_file() -> None:
    one = export(turn("one"), turn("Hi.", "Cursor"), turn("two"))
    other = export(turn("three")).replace("A chat", "Another")
    text = f"Notes of mine.\n\n---\n\n{one}\n\n{'-' * 40}\n\n\n{other}"
    items = read(text)
    assert bodies(items) == ["one", "two", "three"]
    assert [each.conversation_title for each in candidates(items)] == [
        "A chat",
        "A chat",
        "Another",
    ]
    assert [each.opening for each in candidates(items)] == [True, False, True]


def test_variant_of_waylog() -> None:
    head = (
        "# T\n_Exported on 01/15/2026 at 14:49:25 GMT+8 from Cursor via WayLog_\n\n\n"
    )
    text = export(turn("one\n"), turn("\nHi.\n", "Cursor"), turn("\ntwo"), head=head)
    items = read(text)
    assert bodies(items) == ["one", "two"]
    at = datetime(2026, 1, 15, 6, 49, 25, tzinfo=UTC)
    assert {each.drafts[0].created_at for each in candidates(items)} == {at}


def test_chat_may_begin_with_an_answer_and_hold_empty_turns() -> None:
    items = read(export(turn("Hi.", "Cursor"), turn(""), turn("hello")))
    assert bodies(items) == ["hello"]
    assert skipped(items) == [{"no text": 1}]
    assert candidates(items)[0].opening


def test_title_is_of_the_next_chat_and_not_said() -> None:
    text = export(turn("one")) + export(turn("# two\n\n***\n\nmore"))
    assert bodies(read(text)) == ["one", "# two\n\n***\n\nmore"]


@pytest.mark.parametrize("text", ["**User**\n\nhello", "# T\n\n**User**\n\nx", HEAD])
def test_other_markdown_is_not_ours(text: str) -> None:
    assert not cursor.probe(document(text.encode()))


@given(
    st.lists(
        st.text("ab \n#*`~", max_size=40).filter(lambda text: "```" not in text),
        min_size=1,
        max_size=5,
    )
)
@example(["# a"])
def test_whatever_is_said_comes_out(texts: list[str]) -> None:
    said = [f"x{text.strip()}y".replace("~~~", "") for text in texts]
    turns = [part for each in said for part in (turn(each), turn("Hi.", "Cursor"))]
    assert bodies(read(export(*turns))) == said


@pytest.mark.parametrize(
    ("said", "time"),
    [
        ("5/15/2025 at 17:47:04 PDT", (2025, 5, 16, 0, 47, 4)),
        ("7/8/2025 at 7:03:40 PM EST", (2025, 7, 9, 0, 3, 40)),
        ("27/01/2026 at 21:19:36 UTC+1", (2026, 1, 27, 20, 19, 36)),
        ("2026/3/17 at GMT+8 10:53:16", (2026, 3, 17, 2, 53, 16)),
        ("2026-03-17 at 10:53:16 GMT+5:30", (2026, 3, 17, 5, 23, 16)),
        ("3.2.2026 at 10:53:16 UTC", (2026, 2, 3, 10, 53, 16)),
        ("2/2/2026 at 10:53:16 GMT-03:00", (2026, 2, 2, 13, 53, 16)),
        ("3/2/2026 at 12:32:20 GMT+5:30", None),
        ("28/9/2026 at 10:00:00 VET", None),
        ("31/31/2026 at 10:00:00 UTC", None),
        ("0/0/0 at 99:99 UTC", None),
        ("yesterday", None),
    ],
)
def test_export_time(said: str, time: tuple[int, ...] | None) -> None:
    expected = datetime(*time, tzinfo=UTC) if time else None  # type: ignore[misc, arg-type]
    assert export_time(said) == expected
