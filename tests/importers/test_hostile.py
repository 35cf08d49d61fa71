"""Files made to break an importer: bombs, endless queries, deep or damaged text."""

import contextlib
import gzip
import io
import json
import sqlite3
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.input.candidate import Failure
from promptvault.importers.registry import importers
from tests.faults.program import Vault
from tests.fuzz.check import check_all, inspect
from tests.importers.build import chat, document, failures, found, turn
from tests.importers.examples import EXAMPLES, Example, key_values

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e[0]} {e[1]}")

# For each importer, whatever the file claims to be

TEXTS = {
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 12_000,
    "lone surrogates": b'[{"prompt": "\\ud800", "body": "\\udfff\\ud800"}]',
    "utf-16 without a mark": '[{"prompt": "one"}]'.encode("utf-16-le"),
    "half a utf-16 letter": '\ufeff[{"prompt": "one"}]'.encode("utf-16-le")[:-1],
    "utf-32": '[{"prompt": "one"}]'.encode("utf-32"),
    "marks only": b"\xef\xbb\xbf\xff\xfe\xfe\xff",
    "returns only": b"\r" * 60_000,
    "mixed line ends": b'{"a": 1}\r\n{"a": 2}\r{"a": 3}\n\r' * 500,
    "zeros": bytes(60_000),
    "blanks": b" " * 60_000,
    "quotes": b'["' + b'"' * 12_000,
    "backslashes": b'["' + b"\\" * 60_000,
    "numbers": b"[" + b"9" * 60_000,
    "commas": b"[" + b"," * 60_000,
    "tiny objects": b"{}\n" * 4000,
    "tiny lines": b"a\n" * 15_000,
    "blank lines": b"\n" * 60_000,
    "broken lines": b'{"a\n' * 15_000,
    "one line": b'{"type":"user","message":"' + b"x" * 60_000,
    "escapes": b"\x1b]0;owned\x07\x1b[2J\n" * 3000,
    "compressed": gzip.compress(b'[{"prompt": "one"}]' * 1000),
    "tags": b"<html>" + b'<div class="outer-cell mdl-cell">' * 1800,
    "open tags": b'<div class="outer-cell"><div class="content-cell">' + b"<" * 60_000,
    "entities": b'<div class="outer-cell"><div class="content-cell">' + b"&#" * 30_000,
    "doctype": b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
    "yaml sequences": b"prompts:\n" + b"- " * 30_000,
    "yaml lists": b"prompt: " + b"[" * 60_000,
    "yaml keys": b"prompt: a\n" + b"? " * 30_000,
    "yaml types": b"prompt: !!python/object/apply:os.system [exit 1]\n",
    "toml lists": b'[[snippets]]\ncommand = "a"\nx = ' + b"[" * 60_000,
    "toml keys": b'[[snippets]]\ncommand = "a"\na' + b".a" * 30_000 + b" = 1",
    "csv columns": b"prompt,act," + b"a," * 30_000 + b"\n1,2,3\n",
    "csv quotes": b'act,prompt\n"a' + b'""\n' * 4000,
    "csv rows": b'act,prompt\n"a"b,c\n' * 2000,
    "headings": b"# a\n" * 15_000,
    "fences": b"# a\n" + b"```\n" * 15_000,
    "folds": b"<details>\n<summary></summary>\n```" + b"\n```" * 15_000,
    "speakers": b"_**User**_\n\n---\n\n" * 3000,
}
NAMES = {"yaml": "a.yaml", "toml": "snippet.toml", "csv": "a.csv"}
BOMB = (
    b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(
        b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (n, n, *[n - 1] * 8)
        for n in range(ord("b"), ord("z"))
    )
    + b"prompt: *y\n"
)


@pytest.mark.parametrize("what", [*TEXTS, "yaml aliases"])
def test_hostile_text_in_every_importer(what: str) -> None:
    """No exception but the contract's, and little time: `check_all` checks both."""
    check_all(TEXTS.get(what, BOMB), NAMES.get(what.split()[0], "a.md"))


@examples
def test_repeated_stretches(example: Example) -> None:
    """Slow input usually has repetitions."""
    importer = next(each for each in importers() if each.source == example.source)
    data = example.data[:20_000]
    step = max(1, len(data) // 12)
    for start in range(0, len(data), step):
        stretch = data[start : start + 16]
        each = document(data[:start] + stretch * 3000 + data[start:], example.name)
        importer.probe(each)
        with contextlib.suppress(ImportSourceError):
            for item in importer.read(each):
                inspect(item)


@examples
def test_zero_byte_anywhere(example: Example) -> None:
    """No item has a NUL, whichever text of the file it is in."""
    importer = next(each for each in importers() if each.source == example.source)
    data = example.data[:20_000]
    for place in range(0, len(data), max(1, len(data) // 300)):
        each = document(data[:place] + b"\0" + data[place:], example.name)
        with contextlib.suppress(ImportSourceError):
            for item in importer.read(each):
                inspect(item)


# Databases: hostile contents and endless queries


def database(script: str) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(script)
    return connection.serialize()


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
COLUMNS = "id, model, system, response, conversation_id, datetime_utc"
DATABASES = {
    "view in Cursor's place": f"""CREATE VIEW cursorDiskKV AS {ENDLESS}
        SELECT 'composerData:' || x AS key, 'x' AS value FROM n""",
    "view in llm's place": f"""CREATE TABLE _llm_migrations (name);
        CREATE TABLE conversations (id, name);
        CREATE VIEW responses AS {ENDLESS} SELECT x AS id, 'x' AS prompt, 'm' AS model,
        '' AS system, x AS conversation_id, '' AS datetime_utc FROM n""",
    "view in ChatWise's place": f"""CREATE TABLE chat (id, title, lastReplyAt);
        CREATE VIEW message AS {ENDLESS} SELECT x AS id, x AS chatId, 'user' AS role,
        'x' AS content, 'm' AS model, 1 AS createdAt FROM n""",
    "calculated column": f"""CREATE TABLE _llm_migrations (name);
        CREATE TABLE conversations (id, name);
        CREATE TABLE responses ({COLUMNS}, prompt AS (hex(zeroblob(100000000))));
        INSERT INTO responses (id) VALUES (1), (2), (3)""",
    "calculated value": """CREATE TABLE cursorDiskKV
        (key TEXT UNIQUE, value AS (hex(zeroblob(100000000))));
        INSERT INTO cursorDiskKV VALUES ('composerData:1'), ('bubbleId:1:1')""",
    "trigger": """CREATE TABLE cursorDiskKV (key TEXT UNIQUE, value);
        CREATE TABLE other (x);
        CREATE TRIGGER t AFTER INSERT ON cursorDiskKV
        BEGIN INSERT INTO other SELECT x FROM other; END;
        INSERT INTO cursorDiskKV VALUES ('composerData:1', '{}')""",
    "function of an extension": """CREATE TABLE log (prompt, system, response,
        model, timestamp, CHECK (load_extension('x') IS NULL))""",
}


@pytest.mark.parametrize("what", DATABASES)
def test_hostile_database(what: str) -> None:
    check_all(database(DATABASES[what]), "state.vscdb")


def test_database_whose_pages_hold_the_next_many_times() -> None:
    """The tree is ten pages deep, each listing only the next one: endless rows."""
    script = f"""PRAGMA page_size = 512; CREATE TABLE cursorDiskKV (key, value);
        INSERT INTO cursorDiskKV {ENDLESS}
        SELECT 'composerData:' || x, '{{}}' FROM n LIMIT 20000"""
    data = bytearray(database(script))
    pages = [page for page in range(512, len(data), 512) if data[page] == 5][:10]
    leaf = next(page for page in range(1024, len(data), 512) if data[page] == 13)
    for page, below in pairwise([*pages, leaf]):
        _list_only(data, page, below // 512 + 1)
    importer = next(each for each in importers() if each.source == "cursor")
    found = failures(importer.read(document(bytes(data))))
    assert "interrupted" in [
        bad.reason for bad in found if "list of chats" in bad.where
    ]


def _list_only(data: bytearray, page: int, below: int) -> None:
    number = int.from_bytes(data[page + 3 : page + 5], "big")
    places = [page + 12 + 2 * index for index in range(number)]
    cells = [page + int.from_bytes(data[each : each + 2], "big") for each in places]
    for place in (*cells, page + 8):
        data[place : place + 4] = below.to_bytes(4, "big")


# Archives and names


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_member_without_a_name(tmp_path: Path) -> None:
    good = json.dumps([chat(turn("u", None, "hello"))]).encode()
    data = packed({"x": b"[]", "good.json": good}).replace(b"x[]", b"\0[]")
    place = data.index(b"PK\x01\x02") + 46
    (tmp_path / "e.zip").write_bytes(data[:place] + b"\0" + data[place + 1 :])
    items, (bad,) = found(tmp_path / "e.zip")
    assert [each.name for each in items] == ["good.json"]
    assert bad == Failure("", "it has no name")


def test_compressed_file_is_passed_over(tmp_path: Path) -> None:
    data = gzip.compress(json.dumps([chat(turn("u", None, "hello"))]).encode())
    (tmp_path / "conversations.json.gz").write_bytes(data)
    assert found(tmp_path) == ([], [])
    with pytest.raises(ImportSourceError, match="neither text nor JSON"):
        found(tmp_path / "conversations.json.gz")


def test_link_to_a_database_is_not_followed_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "state.vscdb").write_bytes(key_values(cursorDiskKV={}))
    (folder / "state.vscdb").symlink_to(tmp_path / "state.vscdb")
    assert found(folder) == ([], [])


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "home")


BELL = "\x1b]0;owned\x07\x1b[2J\x9b31m\n"


def test_names_do_not_reach_the_terminal_raw(vault: Vault, tmp_path: Path) -> None:
    """File names, titles, ids and texts contain control sequences."""
    folder = tmp_path / f"a{BELL}b"
    folder.mkdir()
    good = chat(turn("u", None, f"hello {BELL}"), title=BELL, conversation_id=BELL)
    bad = {"title": BELL, "id": BELL, "mapping": BELL}
    (folder / f"{BELL}.json").write_text(json.dumps([good, bad]))
    (folder / f"{BELL}.zip").write_bytes(packed({f"../{BELL}": b"[]"}))
    said = [
        vault.run("import", str(folder)),
        vault.run("import", str(folder / f"{BELL}.zip")),
        vault.run("import", f"{folder}/{BELL}{BELL}"),
        vault.run("imports", "list"),
        vault.run("imports", "show", "1"),
        vault.run("list"),
        vault.run("search", "hello"),
    ]
    assert [each.code for each in said] == [0, 8, 3, 0, 0, 0, 0]
    for each in said:
        assert not set("\x07\x1b\x9b\r") & set(each.out + each.err)
    assert all(line.startswith(("  ", "Added", "Try")) for line in _lines(said[0].err))


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]
