"""Zed: threads of every version, compressed or not, and text threads."""

import json

import pytest
import zstandard

from promptvault.importers.editors import zed
from promptvault.importers.input.candidate import Item
from promptvault.importers.input.zstandard_frame import decompressed
from tests.importers.agents.database_build import ZED, Row, database, zed_thread
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    failures,
    of_json,
    skipped,
)


def read(*rows: Row) -> list[Item]:
    return list(zed.read(document(database(ZED, *rows))))


def sent(*content: Json, key: str = "u") -> Json:
    return {"User": {"id": key, "content": list(content)}}


def test_a_compressed_thread_is_read() -> None:
    thread = {
        "title": "A thread",
        "model": {"provider": "p", "model": "opus"},
        "messages": [
            sent({"Text": "look at "}, {"Mention": {"content": "x"}}, {"Text": "this"}),
            {"Agent": {"content": [{"Text": "Hm."}]}},
            sent({"Image": {"source": ""}}),
            "Resume",
            {"Compaction": {"summary": "s"}},
        ],
    }
    data = zstandard.compress(json.dumps(thread).encode())
    created = "2026-07-19T09:00:02+00:00"
    row = zed_thread("1", {}, data=data, data_type="zstd", created_at=created)
    items = read(row)
    assert bodies(items) == ["look at \nthis"]
    assert skipped(items) == [{"no text": 1}]
    (one,) = candidates(items)
    assert (one.conversation_title, one.drafts[0].model) == ("A thread", "opus")
    assert one.drafts[0].created_at is not None


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", None])
def test_older_threads_are_read(version: str | None) -> None:
    messages = [
        {"id": 1, "role": "user", "segments": [{"type": "text", "text": "one"}]},
        {"id": 2, "role": "user", "text": "two"},
        {"id": 3, "role": "user", "text": "a result", "tool_results": [{"a": 1}]},
        {"id": 4, "role": "user", "text": "hidden", "is_hidden": True},
        {"id": 5, "role": "system", "text": "rules"},
    ]
    thread = {"version": version, "summary": "A", "messages": messages}
    assert bodies(read(zed_thread("1", thread))) == ["one", "two"]


def test_threads_of_subagents_are_left_out() -> None:
    thread = {"messages": [sent({"Text": "an order"})]}
    items = read(
        zed_thread("1", thread, parent_id="0"),
        zed_thread("2", {**thread, "subagent_context": {"depth": 1}}),
    )
    assert skipped(items) == [{"subagent": 1}] * 2


@pytest.mark.parametrize(
    ("kind", "data"), [("zstd", b"\x28\xb5\x2f\xfd\0"), ("json", b"{"), ("lz4", b"")]
)
def test_a_damaged_thread_costs_no_other_one(kind: str, data: bytes) -> None:
    damaged = zed_thread("1", {}, data=data, data_type=kind)
    items = read(damaged, zed_thread("2", {"messages": [sent({"Text": "kept"})]}))
    assert bodies(items) == ["kept"]
    assert len(failures(items)) == 1


def test_a_bomb_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        decompressed(zstandard.compress(bytes(70 << 20)))


def test_text_threads_of_every_version_are_read() -> None:
    text = "füge /file a.py\nCONTENT\nein\nSure.\nthanks\n"
    place = len("füge ".encode())
    end = place + len("/file a.py\nCONTENT\n")
    starts = [0, text.encode().index(b"Sure"), text.encode().index(b"thanks")]
    roles = ["user", "assistant", "user"]
    thread = {
        "id": "t",
        "zed": "context",
        "text": text,
        "summary": "A text thread",
        "slash_command_output_sections": [{"range": {"start": place, "end": end}}],
    }
    newer = [
        {"start": start, "metadata": {"role": role}}
        for start, role in zip(starts, roles, strict=True)
    ]
    older = [{"id": n, "start": start} for n, start in enumerate(starts)]
    apart = {str(n): {"role": role} for n, role in enumerate(roles)}
    for versioned in (
        {"version": "0.4.0", "messages": newer},
        {"version": "0.3.0", "messages": older, "message_metadata": apart},
    ):
        given = of_json({**thread, **versioned}, "a.zed.json")
        assert zed.probe(given)
        assert bodies(zed.read(given)) == ["füge ein", "thanks"]
    assert not zed.probe(of_json({"text": "a", "messages": []}))
