"""LM Studio's chats: selected versions, edited prompts as drafts, system prompts."""

from promptvault.importers.chats import lm_studio
from promptvault.importers.input.candidate import CandidateKind
from tests.importers.build import Json, bodies, candidates, failures, of_json, skipped
from tests.importers.examples import version

NAME = "work/1772359200000.conversation.json"


def chat(*messages: Json, **fields: Json) -> Json:
    system = {"key": "llm.prediction.systemPrompt", "value": "Be brief."}
    return {
        "name": "A chat",
        "createdAt": 1772359200000,
        "lastUsedModel": {"identifier": "usual"},
        "systemPrompt": "",
        "messages": list(messages),
        "perChatPredictionConfig": {"fields": [system, {"key": "x", "value": 1}]},
        "clientInput": "not sent",
        **fields,
    }


def test_prompts_and_system_prompt() -> None:
    answer = {
        "versions": [{"role": "assistant", "senderInfo": {"senderName": "other"}}],
        "currentlySelected": 0,
    }
    value = chat(version("user", "one"), answer, version("user", "two"))
    items = list(lm_studio.read(of_json(value, NAME)))
    first, second = candidates(items)
    assert (first.drafts[0].body, first.drafts[0].model) == ("one", "other")
    assert (second.drafts[0].body, second.drafts[0].model) == ("two", "usual")
    assert str(first.drafts[0].created_at) == "2026-03-01 10:00:00+00:00"
    assert first.conversation_id == "1772359200000"
    assert first.conversation_title == "A chat"
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]


def test_edits_are_drafts_and_the_selected_one_is_current() -> None:
    back = version("user", "kept", "tried")
    back["currentlySelected"] = 0
    value = chat(
        version("user", "draft", "final"), version("assistant", "a", "b"), back
    )
    found = candidates(lm_studio.read(of_json(value)))
    texts = [[draft.body for draft in each.drafts] for each in found]
    assert texts == [["draft", "final"], ["tried", "kept"]]


def test_an_edit_keeps_the_id_of_its_message() -> None:
    def ids(*texts: str, name: str = NAME) -> set[str | None]:
        items = lm_studio.read(of_json(chat(version("user", *texts)), name))
        return {draft.message_id for each in candidates(items) for draft in each.drafts}

    assert len(ids("draft", "final")) == 1
    assert ids("draft") == ids("draft", "final") != ids("other")
    assert ids("draft", name="pasted.json") == {None}


def test_file_without_text_and_older_system_prompt() -> None:
    file = {
        "role": "user",
        "content": [{"type": "file", "fileIdentifier": "1 - 1.jpg"}],
    }
    value = chat({"versions": [file], "currentlySelected": 0}, systemPrompt="Older.")
    items = list(lm_studio.read(of_json(value)))
    assert skipped(items) == [{"no text": 1}]
    instructions = bodies(items, CandidateKind.INSTRUCTIONS)
    assert instructions == ["Older.", "Be brief."]


def test_strange_values_stop_nothing() -> None:
    strange: list[Json] = [
        *(None, 3, "x", [], {}, {"versions": None}, {"versions": []}),
        {"versions": [None], "currentlySelected": "x"},
        {"versions": [{"role": "user", "content": "said"}], "currentlySelected": 9},
    ]
    value = chat(*strange, name=None, createdAt=[], lastUsedModel=3)
    items = list(lm_studio.read(of_json([value, 3, {"messages": None}])))
    assert bodies(items) == ["said"]
    assert len(failures(items)) == 2


def test_probe() -> None:
    assert lm_studio.probe(of_json(chat(version("user", "a"))))
    assert lm_studio.probe(of_json(chat()))
    assert not lm_studio.probe(
        of_json({"messages": [{"role": "user", "content": "a"}]})
    )
