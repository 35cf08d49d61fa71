"""Documents are recognized by content in any container; unsafe ones are refused."""

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from promptvault.errors import ImportSourceError, NotFoundError
from promptvault.importers.input import archive as archive_module
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Document, documents_at, documents_in
from tests.importers.build import archive, bodies, chat, failures, found, imported, turn

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(2000)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(path: Path) -> list[str]:
    items, bad = found(path)
    assert not bad
    return [item.name for item in items]


def test_file_by_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", b"[1]" * 40_000)
    (item,) = found(path)[0]
    assert (item.name, item.size, item.siblings) == ("a.json", 120_000, frozenset())
    assert len(item.head) == 65_536
    with item.open() as stream:
        assert stream.read() == b"[1]" * 40_000


def test_zip_members_stream_with_their_siblings(tmp_path: Path) -> None:
    data = archive({"b/c.json": b"{}", "a.json": b"[]", "x.jpg": JPEG})
    seen = []
    for item in documents_at(write(tmp_path / "no-suffix", data)):
        assert isinstance(item, Document)
        with item.open() as stream:
            seen.append((item.name, stream.read()))
        assert item.siblings == {"b/c.json", "a.json", "x.jpg"}
    assert seen == [("b/c.json", b"{}"), ("a.json", b"[]")]


def test_folder_is_read_in_order_through_its_archives(tmp_path: Path) -> None:
    write(tmp_path / "b.json", b"[]")
    for folder in "cdba":
        write(tmp_path / folder / "z.json", b"[]")
    write(tmp_path / "a" / "export.zip", archive({"c.json": b"[]"}))
    write(tmp_path / "photo.json", JPEG)
    write(tmp_path / "empty.json", b"")
    assert names(tmp_path) == [
        "b.json",
        "a/export.zip/c.json",
        "a/z.json",
        "b/z.json",
        "c/z.json",
        "d/z.json",
    ]


def test_symlinks_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "secret.json", b"[]")
    folder = tmp_path / "folder"
    write(folder / "a.json", b"[]")
    (folder / "link.json").symlink_to(outside)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert names(folder) == ["a.json"]


def test_pipe_in_a_folder_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "a.json", b"[]")
    assert names(tmp_path) == ["a.json"]


def test_piped_bytes_can_be_read_more_than_once() -> None:
    (item,) = documents_in(io.BytesIO(b'{"a": 1}'))
    (inner,) = documents_in(io.BytesIO(archive({"a.json": b"{}"})))
    assert isinstance(item, Document)
    assert isinstance(inner, Document)
    assert item.name == "standard input"
    assert inner.name == "a.json"


def test_piped_zip_is_read_member_by_member() -> None:
    data = archive({"a.json": b"[1]", "b.json": b"[2]"})
    contents = []
    for item in documents_in(io.BytesIO(data)):
        assert isinstance(item, Document)
        assert item.head == item.open().read()
        contents.append(item.head)
    assert contents == [b"[1]", b"[2]"]


def test_conversations_in_nested_archives(tmp_path: Path) -> None:
    data = archive({"c.json": _export("hello")})
    for depth in range(2):
        data = archive({f"inner-{depth}.zip": data})
    path = write(tmp_path / "export.zip", data)
    assert bodies(imported(path)) == ["hello"]


def test_archive_nested_too_deeply_is_a_failure(tmp_path: Path) -> None:
    data = archive({"c.json": b"[]"})
    for depth in range(3):
        data = archive({f"inner-{depth}.zip": data})
    items, (bad,) = found(write(tmp_path / "export.zip", data))
    assert not items
    assert bad.where == "inner-2.zip/inner-1.zip/inner-0.zip"


def _export(*said: str) -> bytes:
    chats = [chat(turn("u", None, text), conversation_id=text) for text in said]
    return json.dumps(chats).encode()


def test_sample_is_none_for_markup_and_prose(tmp_path: Path) -> None:
    write(tmp_path / "chat.html", b"<html>{</html>")
    write(tmp_path / "notes.md", b"# Notes\n")
    write(tmp_path / "three.jsonl", b'{"a":1}\n7\n{"b":2}\nx\n{"c":3}')
    samples = {item.name: item.sample for item in found(tmp_path)[0]}
    assert samples == {
        "chat.html": (),
        "notes.md": (),
        "three.jsonl": ({"a": 1}, {"b": 2}, {"c": 3}),
    }


@pytest.mark.parametrize("name", ["nothing.json", "file.json/below", "nul\0"])
def test_missing_path(tmp_path: Path, name: str) -> None:
    write(tmp_path / "file.json", b"[]")
    with pytest.raises(NotFoundError, match="no file or folder"):
        list(documents_at(tmp_path / name))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (JPEG, "neither text nor JSON"),
        (b"PK\x03\x04 and nothing else", "damaged"),
        (archive({"a.json": b"[]"})[:-30], "damaged"),
    ],
    ids=["empty", "image", "no zip", "cut-off zip"],
)
def test_unusable_file(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ImportSourceError, match=f"file.*{reason}"):
        list(documents_at(write(tmp_path / "file", data)))


def test_unreadable_file_fails_alone_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.json", b"[]")
    write(tmp_path / "b.json", b"[]")
    real = Path.open

    def refuse(self: Path, mode: str = "r") -> object:
        if self.name == "a.json":
            raise PermissionError(13, "Permission denied")
        return real(self, mode)

    monkeypatch.setattr(Path, "open", refuse)
    items, (bad,) = found(tmp_path)
    assert [item.name for item in items] == ["b.json"]
    assert "permission denied" in bad.reason
    with pytest.raises(ImportSourceError, match="permission denied"):
        list(documents_at(tmp_path / "a.json"))


@pytest.mark.parametrize(
    "name", ["../a.json", "/a.json", "C:\\a.json", "x/../../a.json", "x\\..\\a.json"]
)
def test_member_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    data = archive({name: b"[]", "good.json": b"[]"})
    items, (bad,) = found(write(tmp_path / "e.zip", data))
    assert [item.name for item in items] == ["good.json"]
    assert "outside" in bad.reason


@pytest.mark.parametrize("name", ["..a.json", "a..json", "a/..b/c.json", "C:a.json"])
def test_dots_in_names_are_harmless(tmp_path: Path, name: str) -> None:
    assert names(write(tmp_path / "e.zip", archive({name: b"[]"}))) == [name]


def test_symlink_member_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.json")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "e.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(info, "/etc/passwd")
    items, (bad,) = found(path)
    assert not items
    assert "symbolic link" in bad.reason


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = archive({"a.json": b"[]"})
    central = data.index(b"PK\x01\x02")
    data = data[: central + 8] + b"\x01" + data[central + 9 :]
    items, (bad,) = found(write(tmp_path / "e.zip", data))
    assert not items
    assert "with its password first" in bad.reason


def test_bomb_among_other_files_is_refused_by_itself(tmp_path: Path) -> None:
    bomb = bytes(archive_module.SAFE_SIZE + 1)
    data = archive({"bomb.json": bomb, "padding.dat": b"\0" + os.urandom(200_000)})
    items, bad = found(write(tmp_path / "e.zip", data))
    assert [item.where for item in bad] == ["bomb.json"]
    assert "absurd size" in bad[0].reason
    assert not items


def test_archive_that_is_a_bomb_as_a_whole_is_refused(tmp_path: Path) -> None:
    data = archive({f"{n}.json": b" " * (9 << 20) for n in range(2)})
    with pytest.raises(ImportSourceError, match=r"e\.zip.*bomb"):
        list(documents_at(write(tmp_path / "e.zip", data)))


def test_member_is_counted_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(io.BytesIO(archive({"a.json": b" " * 100_000}))) as opened:
        (entry,) = archive_module.archive_files(opened, "")
        assert not isinstance(entry, Failure)
        monkeypatch.setattr(archive_module, "SAFE_SIZE", 1000)
        with entry.open() as stream, pytest.raises(ImportSourceError, match="absurd"):
            stream.read()


def test_too_many_entries_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "ENTRY_LIMIT", 3)
    data = archive({f"{n}.json": b"[]" for n in range(4)})
    with pytest.raises(ImportSourceError, match="4 files"):
        list(documents_at(write(tmp_path / "e.zip", data)))


def test_damaged_member_fails_and_the_others_are_read(tmp_path: Path) -> None:
    first, second = _export(*"abcdefgh"), _export("good")
    data = bytearray(archive({"first.json": first, "second.json": second}))
    data[60:70] = b"\xff" * 10
    items = imported(write(tmp_path / "e.zip", bytes(data)))
    assert bodies(items)[-1] == "good"
    assert any("damaged in the archive" in bad.reason for bad in failures(items))


def test_hostile_archive_within_a_good_one_is_a_failure(tmp_path: Path) -> None:
    data = archive({"bad.zip": b"PK\x03\x04" + bytes(50), "good.json": b"[]"})
    items, (bad,) = found(write(tmp_path / "e.zip", data))
    assert [item.name for item in items] == ["good.json"]
    assert bad == Failure("bad.zip", bad.reason)
    assert "damaged" in bad.reason
