"""DeepSeek's trees: the newest branch, edits as drafts, and only typed fragments."""

import pytest

from promptvault.importers.chats import chatgpt, deepseek
from promptvault.importers.input.candidate import Candidate
from tests.importers.build import Json, bodies, candidates, failures, of_json, skipped


def node(
    key: str, parent: str | None, *fragments: tuple[str, Json], **message: Json
) -> dict[str, Json]:
    """Return one entry of the mapping, made at the minute *key*."""
    body = {
        "model": "deepseek-chat",
        "inserted_at": f"2026-03-02T10:{int(key):02}:00+08:00",
        "files": [],
        "fragments": [{"type": kind, "content": said} for kind, said in fragments],
        **message,
    }
    return {key: {"id": key, "parent": parent, "children": [], "message": body}}


def ask(key: str, parent: str | None, said: Json, **message: Json) -> dict[str, Json]:
    return node(key, parent, ("REQUEST", said), **message)


def answer(key: str, parent: str) -> dict[str, Json]:
    return node(key, parent, ("THINK", "Hm."), ("SEARCH", None), ("RESPONSE", "Ho."))


def chat(*nodes: dict[str, Json], **fields: Json) -> Json:
    root: Json = {"id": "root", "parent": None, "children": [], "message": None}
    mapping = {key: value for each in nodes for key, value in each.items()}
    return {
        "id": "c1",
        "title": "A chat",
        "inserted_at": "2026-03-02T10:00:00+08:00",
        "mapping": {"root": root, **mapping},
        **fields,
    }


def read(*chats: Json) -> list[Candidate]:
    return candidates(deepseek.read(of_json(list(chats))))


def test_prompt_with_all_that_is_known_of_it() -> None:
    (found,) = read(chat(ask("1", "root", "ask"), answer("2", "1")))
    (draft,) = found.drafts
    assert (draft.body, draft.message_id) == ("ask", "c1/1")
    assert draft.model == "deepseek-chat"
    assert str(draft.created_at) == "2026-03-02 02:01:00+00:00"
    assert (found.conversation_id, found.conversation_title) == ("c1", "A chat")
    assert found.url == "https://chat.deepseek.com/a/chat/s/c1"


@pytest.mark.parametrize("root", ["root", None])
def test_edits_are_drafts(root: str | None) -> None:
    nodes = [ask("1", root, "first"), answer("2", "1"), ask("3", root, "final")]
    follow = [answer("4", "3"), ask("5", "4", "follow"), ask("6", "4", "follow on")]
    found = read(chat(*nodes, *follow))
    texts = [[draft.body for draft in each.drafts] for each in found]
    assert texts == [["first", "final"], ["follow", "follow on"]]


def test_newest_answer_leads_on() -> None:
    nodes = [ask("1", "root", "ask"), answer("2", "1"), ask("3", "2", "old")]
    items = list(
        deepseek.read(of_json([chat(*nodes, answer("4", "1"), ask("5", "4", "new"))]))
    )
    assert bodies(items) == ["ask", "new"]
    assert skipped(items) == [{"abandoned branch": 1}]


def test_without_times_the_last_branch_is_current() -> None:
    nodes = [ask(key, "root", f"ask {key}", inserted_at=None) for key in "123"]
    (found,) = read(chat(*nodes))
    assert [draft.body for draft in found.drafts] == ["ask 1", "ask 2", "ask 3"]


def test_children_lead_where_parents_are_missing() -> None:
    value = chat(ask("1", None, "ask"), answer("2", ""), ask("3", "", "next"))
    value["mapping"]["1"]["children"] = ["2"]
    value["mapping"]["2"]["children"] = [3]
    assert bodies(deepseek.read(of_json(value))) == ["ask", "next"]


def test_several_requests_and_files() -> None:
    parts = node("1", "root", ("REQUEST", "one"), ("FILE", "no"), ("REQUEST", "two"))
    attached = ask("2", "1", "", files=[{"file_name": "a.pdf"}])
    items = list(deepseek.read(of_json([chat(parts, attached)])))
    assert bodies(items) == ["one\n\ntwo"]
    assert skipped(items) == [{"no text": 1}]


def test_messages_with_a_role_instead_of_fragments() -> None:
    said = {"role": "USER", "content": "old"}
    value = chat(ask("1", "root", "x"))
    value["mapping"]["1"]["message"] = said
    assert bodies(deepseek.read(of_json([value]))) == ["old"]


def test_accounts_side_by_side_keep_their_chats_apart() -> None:
    found = read(chat(ask("1", "root", "a")), chat(ask("1", "root", "b"), id="c2"))
    ids = [(each.conversation_id, each.drafts[0].message_id) for each in found]
    assert ids == [("c1", "c1/1"), ("c2", "c2/1")]


def test_damaged_and_empty_chats_stop_nothing() -> None:
    broken = [None, 3, "x", [], {"mapping": []}, chat(mapping=None), chat()]
    items = list(deepseek.read(of_json([*broken, chat(ask("1", "root", "ask"))])))
    assert bodies(items) == ["ask"]
    assert len(failures(items)) == 6
    assert skipped(items)[0] == {"empty conversation": 1}


@pytest.mark.parametrize(
    "value", [chat(), chat(ask("1", "root", "a"), inserted_at=None), chat(mapping={})]
)
def test_not_taken_for_chatgpt(value: Json) -> None:
    if value["inserted_at"] is None:
        del value["inserted_at"]
    assert deepseek.probe(of_json([value]))
    assert not chatgpt.probe(of_json([value]))
