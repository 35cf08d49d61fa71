"""Sessions read record by record: branches, ids, and what is left out."""

from datetime import UTC, datetime

from promptvault.importers.conversation.session_chat import SessionChat
from promptvault.importers.input.candidate import CandidateKind, Draft
from tests.importers.build import bodies, candidates

MADE = datetime(2026, 9, 1, tzinfo=UTC)


def chat_of(*texts: str) -> SessionChat:
    chat = SessionChat("s1")
    for text in texts:
        chat.add(Draft(text, MADE))
    return chat


def drafts(chat: SessionChat) -> list[list[str]]:
    found = candidates([chat.conversation()])
    return [[draft.body for draft in each.drafts] for each in found]


def test_ids_are_different_and_stay_when_a_prompt_is_added() -> None:
    first, longer = (
        [each.drafts[0].message_id for each in candidates([chat.conversation()])]
        for chat in (chat_of("a", "b"), chat_of("a", "b", "c"))
    )
    assert first == longer[:2]
    assert len(set(longer)) == 3


def test_record_written_twice_is_one_prompt() -> None:
    chat = SessionChat()
    for text in ("a", "a", "b"):
        chat.add(Draft(text, message_id="m"))
    assert drafts(chat) == [["a"], ["b"]]


def test_prompts_that_answer_the_same_record_are_drafts() -> None:
    chat = SessionChat()
    for text, answered in (("a", "r1"), ("b", "r2"), ("c", "r3"), ("new b", "r2")):
        chat.add(Draft(text), answered)
    assert drafts(chat) == [["a"], ["b", "new b"]]
    assert chat.conversation().skipped == {"abandoned branch": 1}


def test_going_back_further_than_there_are_prompts() -> None:
    chat = chat_of("a", "b")
    chat.go_back(7)
    chat.add(Draft("c"))
    assert drafts(chat) == [["a", "c"]]


def test_going_to_an_unknown_record_changes_nothing() -> None:
    chat = chat_of("a")
    chat.go_to("?")
    chat.add(Draft("b"))
    assert drafts(chat) == [["a"], ["b"]]


def test_commands() -> None:
    chat = chat_of("/clear", "/fix it now", "a")
    found = chat.conversation()
    assert found.skipped == {"slash command": 1}
    assert bodies([found], CandidateKind.COMMAND) == ["/fix it now"]
    assert [each.opening for each in candidates([found])] == [True]


def test_message_without_text_counts_as_a_turn() -> None:
    chat = chat_of("a")
    chat.add_typed("", MADE, None)
    chat.go_back(1)
    chat.add(Draft("b"))
    assert drafts(chat) == [["a"], ["b"]]
    assert chat.conversation().skipped == {"no text": 1}


def test_session_in_which_no_person_typed() -> None:
    chat = SessionChat()
    assert chat.conversation().skipped == {"empty conversation": 1}
    chat.add_typed(None, MADE, None)
    assert chat.conversation().skipped == {"not typed by a person": 1}


def test_model_is_that_of_the_answer() -> None:
    chat = chat_of("a")
    chat.set_model("m")
    chat.add(Draft("b", model=chat.model))
    chat.set_model("n")
    found = candidates([chat.conversation()])
    assert [each.drafts[0].model for each in found] == ["m", "m"]
