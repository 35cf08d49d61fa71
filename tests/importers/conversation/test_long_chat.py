"""A chat of any length is read like a short one, but not held in memory."""

import json

import pytest

from promptvault.importers.conversation import long_chat
from promptvault.importers.files import dataset
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Conversation,
    Item,
)
from promptvault.importers.input.document import Document
from tests.importers.build import Json, bodies, candidates, document

ABOUT = {"id": "k", "title": "T", "model": "m", "system": "Be brief."}
TURNS = ["one", "two", "three"]
LONG = "x" * (5 << 20)


def chat(answer: str, key: str = "messages", **about: Json) -> bytes:
    said = [
        {"role": role, "content": text}
        for turn in TURNS
        for role, text in (
            ("user", turn),
            ("assistant", answer if turn == "two" else ""),
        )
    ]
    return json.dumps({**about, key: said}).encode()


def read(data: bytes) -> list[Item]:
    return list(dataset.read(document(data)))


@pytest.mark.parametrize("key", long_chat.MESSAGE_KEYS)
def test_long_chat_says_what_a_short_one_says(key: str) -> None:
    short, long = (read(chat(answer, key, **ABOUT)) for answer in ("x", LONG))
    assert candidates(long) == candidates(short)
    assert bodies(long, CandidateKind.INSTRUCTIONS) == bodies(
        short, CandidateKind.INSTRUCTIONS
    )
    assert bodies(long) == TURNS


def test_turns_of_a_long_chat_come_one_by_one() -> None:
    items = read(chat(LONG, id="k", title="T"))
    kinds = [type(item) for item in items]
    assert kinds == [Conversation, Candidate, Candidate]
    assert [c.opening for c in candidates(items)] == [True, False, False]
    assert {(c.conversation_id, c.conversation_title) for c in candidates(items)} == {
        ("k", "T")
    }


def about(data: bytes) -> Json:
    return long_chat.chat_header(document(data))


def test_only_one_long_chat_is_read_that_way() -> None:
    assert about(chat(LONG, **ABOUT)) == ABOUT
    assert about(chat(LONG, extra={"a": 1})) is None
    assert about(b"[" + chat(LONG) + b"]") is None
    assert about(chat("x") + b"\n" + chat(LONG)) is None
    assert about(b"\xef\xbb\xbf" + chat(LONG)) == {}


def test_probe_knows_a_long_chat_without_reading_it() -> None:
    data = chat(LONG)
    whole = document(data)
    cut = Document("a", len(data), document(data[: 4 << 20]).opener)
    assert dataset.probe(whole)
    assert dataset.probe(cut)
