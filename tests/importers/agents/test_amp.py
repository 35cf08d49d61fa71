"""Amp: what was typed in a thread."""

from promptvault.importers.agents import amp
from promptvault.importers.input.field import as_time
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_json,
)


def thread(*messages: Json, **fields: Json) -> Json:
    return {"id": "T-1", "created": 1767337445000, "messages": messages, **fields}


def said(text: Json, **fields: Json) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text}], **fields}


def test_ids_times_title_and_model() -> None:
    answer = {"role": "assistant", "content": [], "usage": {"model": "opus"}}
    first = said("one", messageId=0, meta={"sentAt": 1767337446000})
    value = thread(first, answer, said("two", messageId=2), title="Counting")
    one, two = candidates(amp.read(of_json(value)))
    assert (one.conversation_id, one.conversation_title) == ("T-1", "Counting")
    assert one.drafts[0].created_at == as_time(1767337446000)
    assert two.drafts[0].created_at == as_time(1767337445000)
    assert (one.drafts[0].message_id, one.drafts[0].model) == ("0", "opus")


def test_result_of_a_tool_with_what_was_typed_then() -> None:
    result = {"type": "tool_result", "toolUseID": "x", "run": {"result": "a"}}
    mixed = {"role": "user", "content": [result, {"type": "text", "text": "stop"}]}
    value = thread({"role": "user", "content": [result]}, mixed)
    assert bodies(amp.read(of_json(value))) == ["stop"]


def test_threads_with_other_ids_are_known_by_their_folders() -> None:
    env = {"initial": {"trees": [{"uri": "file:///w"}]}}
    assert amp.probe(of_json(thread(said("one"), id="x", env=env)))
    assert not amp.probe(of_json(thread(said("one"), id="x")))


def test_thread_that_is_cut_off_is_a_failure() -> None:
    data = of_json(thread(said("one"), said("two"))).opener().read()
    assert failures(amp.read(document(data[:-20], "T-1.json")))
