"""TypingMind's export: what was typed, the prompt library, and agents."""

from promptvault.importers.chats import typingmind
from promptvault.importers.input.candidate import CandidateKind, Skipped
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_json,
    skipped,
)


def chat(*messages: Json, **fields: Json) -> Json:
    return {
        "chatID": "c1",
        "chatTitle": "A chat",
        "model": "m",
        "chatParams": {"systemMessage": "Be brief."},
        "messages": list(messages),
        **fields,
    }


def said(content: Json, **fields: Json) -> Json:
    made = "2026-01-01T00:00:00.000Z"
    return {
        "uuid": "u1",
        "role": "user",
        "content": content,
        "createdAt": made,
    } | fields


def export(*chats: Json, **data: Json) -> Json:
    return {"data": {"chats": list(chats), "folders": [], **data}, "checksum": "x"}


def test_prompt_with_all_that_is_known_of_it() -> None:
    items = list(typingmind.read(of_json(export(chat(said("ask"))))))
    (found,) = candidates(items)
    (draft,) = found.drafts
    assert (draft.body, draft.message_id, draft.model) == ("ask", "u1", "m")
    assert str(draft.created_at) == "2026-01-01 00:00:00+00:00"
    assert (found.conversation_id, found.conversation_title) == ("c1", "A chat")
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]


def test_only_what_was_typed() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url"}]
    messages = [
        said([*parts, {"type": "text", "text": "two"}]),
        said("example", type="training-message"),
        said("file", type="attachment"),
        said("summary", type="tm_context_summary"),
        {"type": "tm_multi_responses", "responses": [{"messages": [said("no")]}]},
        said([{"type": "tm_image_file"}]),
        said("gone", deletedAt="2026-01-02T00:00:00Z"),
        said("Be brief.", role="system"),
    ]
    items = list(typingmind.read(of_json(export(chat(*messages)))))
    assert bodies(items) == ["one\ntwo"]
    assert skipped(items) == [{"no text": 1, "deleted": 1}]
    assert bodies(items, CandidateKind.INSTRUCTIONS) == ["Be brief."]


def test_library_and_agents() -> None:
    library = [{"id": "p", "title": "Sum", "body": "Sum it."}, {"title": "Empty"}, 3]
    agents = [{"title": "Pirate", "instruction": "Talk so."}, {"instruction": None}]
    value = export(userPrompts=library, userCharacters=agents)
    assert typingmind.probe(of_json(value))
    items = list(typingmind.read(of_json(value)))
    (prompt,) = candidates(items)
    assert (prompt.drafts[0].body, prompt.title) == ("Sum it.", "Sum")
    (agent,) = candidates(items, CandidateKind.INSTRUCTIONS)
    assert (agent.drafts[0].body, agent.title) == ("Talk so.", "Pirate")
    assert [item for item in items if isinstance(item, Skipped)] == [
        Skipped("no text"),
        Skipped("no text"),
    ]


def test_strange_chats_stop_nothing() -> None:
    strange = [None, 3, {"chatID": "d"}, chat(deletedAt=1), chat(), chat(None, 3, [])]
    items = list(typingmind.read(of_json(export(*strange, chat(said("ask"))))))
    assert bodies(items) == ["ask"]
    assert len(failures(items)) == 3
    assert {"empty conversation": 1} in skipped(items)


def test_export_that_does_not_end_within_the_sample_is_known_by_its_start() -> None:
    start = b'{ "data": {"chats": [{"chatID": "c", "messages": [{"role": "user", '
    assert typingmind.probe(document(start + b'"content": "' + b"x" * 70_000))
    assert not typingmind.probe(document(b'{"data": {"chats": [{"id": 1}]}}'))
