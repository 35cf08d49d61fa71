"""The files of 2025: a session is read with its messages and parts, which lie apart."""

import json
import os
from pathlib import Path

import pytest

from promptvault.importers.opencode import source
from tests.importers.build import bodies, candidates, document, failures, imported
from tests.importers.opencode.build import answer, text, user, write_storage


def test_a_folder_yields_each_prompt_once(tmp_path: Path) -> None:
    root = tmp_path / "opencode" / "storage"
    write_storage(
        root,
        user("one", text("added", synthetic=True)),
        answer(),
        user("two", "more"),
    )
    for path in (root, root / "session", root / "session" / "global" / "ses_1.json"):
        items = imported(path)
        assert bodies(items) == ["one", "two\nmore"]
        assert failures(items) == []
    first, second = candidates(items)
    assert (first.conversation_title, first.drafts[0].model) == ("A chat", "m")
    assert (second.conversation_id, second.opening) == ("ses_1", False)


def test_messages_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    later = user("second", time={"created": 20})
    path = write_storage(tmp_path, later, user("first", time={"created": 10}))
    assert bodies(imported(path)) == ["first", "second"]


def test_a_session_of_a_subagent_is_left_out(tmp_path: Path) -> None:
    write_storage(tmp_path, user("its order"), parentID="ses_0")
    assert bodies(imported(tmp_path)) == []


def test_the_layout_below_session_is_read(tmp_path: Path) -> None:
    root = tmp_path / "storage" / "session"
    info = {"id": "ses_1", "title": "A", "time": {"created": 1}}
    message = {"id": "msg_1", "role": "user", "sessionID": "ses_1"}
    part = {"id": "prt_1", "messageID": "msg_1", **text("hello")}
    older = {
        "id": "msg_2",
        "role": "user",
        "metadata": {"sessionID": "ses_1", "time": {"created": 1750000000000}},
        "parts": [text("older still")],
    }
    for name, value in {
        "info/ses_1": info,
        "message/ses_1/msg_1": message,
        "message/ses_1/msg_2": older,
        "part/ses_1/msg_1/prt_1": part,
    }.items():
        path = root / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    assert bodies(imported(root)) == ["hello", "older still"]


def test_messages_without_their_session_are_a_failure(tmp_path: Path) -> None:
    write_storage(tmp_path / "a", user("one"))
    (tmp_path / "a" / "message" / "ses_1").rename(tmp_path / "alone")
    (bad,) = failures(imported(tmp_path / "alone"))
    assert bad.reason == "its session is missing; import its folder too"


def test_a_session_in_an_archive_is_a_failure() -> None:
    data = b'{"id": "ses_1", "title": "A", "time": {"created": 1}}'
    (bad,) = failures(source.read(document(data, "session/global/ses_1.json")))
    assert "import the folder" in bad.reason


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "storage"
    write_storage(outside, user("a stranger's"))
    path = write_storage(root)
    (root / "message").mkdir()
    (root / "message" / "ses_1").symlink_to(outside / "message" / "ses_1")
    assert bodies(imported(path)) == []
    (root / "message" / "ses_1").unlink()
    (root / "message" / "ses_1").mkdir()
    file = outside / "message" / "ses_1" / "msg_1.json"
    (root / "message" / "ses_1" / "msg_1.json").symlink_to(file)
    assert bodies(imported(path)) == []


@pytest.mark.parametrize("damage", [b"{", b"[]", b"\xff\xfe", b"[" * 5000])
def test_a_damaged_part_costs_no_other_one(tmp_path: Path, damage: bytes) -> None:
    path = write_storage(tmp_path, user("one", "rest"), user("two"))
    (tmp_path / "part" / "msg_1" / "prt_1.json").write_bytes(damage)
    items = imported(path)
    assert bodies(items) == ["one", "two"]
    assert len(failures(items)) == (damage != b"[]")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_folder_without_permission_is_a_failure(tmp_path: Path) -> None:
    path = write_storage(tmp_path, user("one"))
    (tmp_path / "message").chmod(0)
    try:
        (bad,) = failures(imported(path))
        assert "permission denied" in bad.reason
    finally:
        (tmp_path / "message").chmod(0o755)
