"""PromptVault's own exports: what counts as one, and rows written by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.domain.prompt import Author, Content, Origin
from promptvault.domain.variable import Variable, VariableType
from promptvault.importers.input.candidate import Failure
from promptvault.importers.tools import promptvault
from tests.conftest import Pvt
from tests.importers.build import Json, document, failures, of_json, of_lines

ID = "0b0e7c2e-7a53-4dc0-9b30-5b3f0f0e8a11"
REVISION = "5d1f4b1e-3c7e-4a7e-8f25-8d8f6f1a2b22"


def offers(data: bytes, name: str = "file") -> list[ImportedPrompt]:
    items = promptvault.read(document(data, name))
    return [item for item in items if isinstance(item, ImportedPrompt)]


def offer(row: Json) -> ImportedPrompt:
    """Return the prompt of a single row."""
    (item,) = promptvault.read(of_json([row]))
    assert isinstance(item, ImportedPrompt), item
    return item


def refused(row: Json) -> Failure:
    """Return the failure of a single row."""
    (item,) = promptvault.read(of_json([row], "rows.json"))
    assert isinstance(item, Failure), item
    return item


def markdown(head: str, body: str = "Text\n") -> bytes:
    return (
        f"---\n{head}id: {ID}\nversion: 3\nrevision: {REVISION}\n---\n{body}".encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        b'[{"name": "a", "body": "b"}]',
        b'{"name": "a", "body": "b"}\n{"name": "c", "body": "d"}\n',
        markdown(""),
        b"\xef\xbb\xbf" + markdown(""),
        markdown("").replace(b"\n", b"\r\n"),
    ],
)
def test_our_own_are_recognized(data: bytes) -> None:
    assert promptvault.probe(document(data))
    assert offers(data)[0].versions[-1].content.body in {"b", "Text\n", "Text\r\n"}


@pytest.mark.parametrize(
    "data",
    [
        b'[{"name": "a"}]',
        b'[{"name": 1, "body": "b"}]',
        b'[{"uuid": "1", "name": "A talk", "chat_messages": []}]',
        b"# Title\n\nrevision: none\n",
        b"---\ntitle: A post\n---\nText\n",
        b"",
    ],
)
def test_others_are_not(data: bytes) -> None:
    assert not promptvault.probe(document(data))


def test_row_of_a_name_and_a_body_is_enough() -> None:
    found = offer({"name": "coding/review", "body": "Look.\r\n"})
    assert (found.name, found.source, found.id) == ("coding/review", "local", "")
    (version,) = found.versions
    assert version.content == Content("Look.\r\n")
    assert version.created_at is None
    assert version.author is None


def test_all_fields_of_a_row() -> None:
    time = "2026-05-01T09:30:00.000Z"
    ada = {"name": "Ada", "email": "ada@example.org"}
    row = {
        "id": ID,
        "name": "a",
        "title": "A",
        "description": "Of a",
        "tags": ["One", "two"],
        "favourite": True,
        "source": "chatgpt",
        "labels": {"best": 1, "gone": 7},
        "created_at": time,
        "updated_at": time,
        "used_at": time,
        "uses": 3,
        "body": "b",
        "origins": [{"source": "chatgpt", "message_id": "m", "created_at": time}],
        "history": [
            {"body": "a", "id": ID, "author": ada, "created_at": time},
            {"body": "b", "id": REVISION, "message": "Better", "template": True},
        ],
    }
    found, moment = offer(row), datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
    assert found.tags == ("one", "two")
    assert found.labels == {"best": 1}
    assert (found.created_at, found.updated_at, found.used_at) == (moment,) * 3
    assert found.origins == (Origin("chatgpt", message_id="m", created_at=moment),)
    first, second = found.versions
    assert first.author == Author("Ada", "ada@example.org")
    assert (second.message, second.content.template) == ("Better", True)
    assert (first.id, second.id) == (ID, REVISION)


@pytest.mark.parametrize(
    "variables",
    [
        {"n": {"default": 3, "type": "integer", "description": "How many"}},
        [{"name": "n", "default": 3, "type": "integer", "description": "How many"}],
    ],
)
def test_variables_in_either_shape(variables: Json) -> None:
    found = offer({"name": "a", "body": "b", "variables": variables})
    wanted = Variable("n", "How many", 3, (), False, VariableType.INTEGER)
    assert found.versions[0].content.variables == (wanted,)


def test_markdown_with_the_names_of_front_matter() -> None:
    head = (
        'title: "A: b"\ntags: [one]\nsource: claude\n'
        "origins:\n  - {source: claude, conversation: c, message: m, title: Chat}\n"
        "created: 2026-05-01T09:30:00.000Z\nupdated: 2026-05-02T09:30:00.000Z\n"
    )
    (found,) = offers(markdown(head, "---\nBody\r\n"), "work/a.md")
    assert (found.name, found.title, found.source) == ("work/a", "A: b", "claude")
    assert found.origins == (Origin("claude", "c", "Chat", "m"),)
    assert found.created_at == datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
    (version,) = found.versions
    assert version.content.body == "---\nBody\r\n"
    assert version.created_at == datetime(2026, 5, 2, 9, 30, tzinfo=UTC)
    assert (found.id, version.id) == (ID, REVISION)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("coding/review", "coding/review"),
        ("Coding/Code Review", "coding/code-review"),
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute", "absolute"),
        ("a//b/", "a/b"),
        (".hidden", "hidden"),
        ("🎉", "prompt"),
        ("", "prompt"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_are_made_into_ours(name: str, wanted: str) -> None:
    assert offer({"name": name, "body": "b"}).name == wanted


WRONG: dict[str, Json] = {
    "body": {"body": 5},
    "no body": {"body": None},
    "empty body": {"body": " \n"},
    "NUL in the body": {"body": "a\0b"},
    "no name": {"name": None},
    "tag": {"tags": ["two words"]},
    "label": {"labels": {"two words": 1}},
    "title": {"title": "Bell\a"},
    "history": {"history": [5]},
    "history without bodies": {"history": [{}]},
    "empty draft": {"history": [{"body": ""}, {"body": "b"}]},
    "variable": {"variables": {"two words": 1}},
    "variables": {"variables": ["who"]},
    "default": {"variables": {"n": {"default": "x", "type": "integer"}}},
}
"""Fields that would make it another prompt if they were ignored."""
PASSED_OVER: dict[str, Json] = {
    "tags": {"tags": 5},
    "tags of one word": {"tags": "coding"},
    "time": {"created_at": "yesterday"},
    "time too early": {"created_at": "0001-01-01T00:00:00+23:00"},
    "time too late": {"updated_at": "9999-12-31T23:59:59-23:00"},
    "labels": {"labels": ["best"]},
    "label of no version": {"labels": {"best": 2}},
    "history of no list": {"history": 5},
    "origins": {"origins": {"a": 1}},
    "author": {"history": [{"body": "b", "author": "Ada"}]},
    "half an author": {"history": [{"body": "b", "author": {"name": "Ada"}}]},
    "uses": {"uses": "often"},
    "favourite": {"favourite": "yes"},
    "id": {"id": "my own id"},
    "id of several lines": {"id": f"{ID}\nrevision: x"},
}
"""Fields that may be ignored if they are invalid."""


@pytest.mark.parametrize("what", WRONG)
def test_wrong_field_costs_that_row(what: str) -> None:
    rows = [{"name": "a", "body": "a"}, {"name": "b", "body": "b"} | WRONG[what]]
    items = list(promptvault.read(of_lines([*rows, {"name": "c", "body": "c"}])))
    assert [item.name for item in items if isinstance(item, ImportedPrompt)] == [
        "a",
        "c",
    ]
    (failure,) = failures(items)
    assert failure.where == "file, prompt 2"
    assert failure.reason


@pytest.mark.parametrize("what", PASSED_OVER)
def test_what_makes_no_sense_is_passed_over(what: str) -> None:
    found = offer({"name": "b", "body": "b"} | PASSED_OVER[what])
    bare = offer({"name": "b", "body": "b"})
    messages = [version._replace(message="") for version in found.versions]
    wanted = [version._replace(message="") for version in bare.versions]
    assert found._replace(versions=messages) == bare._replace(versions=wanted)


def test_failure_says_where_and_shows_no_text() -> None:
    failure = refused({"name": "a", "body": "Secret", "tags": ["two words"]})
    assert failure.where == "rows.json, prompt 1"
    assert "two words" in failure.reason
    assert "Secret" not in failure.reason


@pytest.mark.parametrize(
    "data",
    [
        markdown("tags: [\n"),
        markdown("tags: [two words]\n"),
        markdown("a: &a [x]\nb: *a\n"),
        markdown("variables: {two words: 1}\n"),
        markdown("") + b"\xff",
        markdown("", " \n"),
    ],
)
def test_damaged_markdown_is_a_failure(data: bytes) -> None:
    (item,) = promptvault.read(document(data, "a.md"))
    assert isinstance(item, Failure)
    assert item.where.startswith("a.md")


ODD: dict[str, Json] = {
    "id of several words": {"id": "my own id"},
    "id of several lines": {"id": "a\nversion: 9\nrevision: x"},
    "revision of several words": {"history": [{"body": "b", "id": "my own id"}]},
    "revision used before": {"history": [{"body": "b", "id": REVISION}]},
    "revision used twice": {
        "history": [{"body": "a", "id": ID}, {"body": "b", "id": ID}]
    },
    "surrogate in the title": {"title": "\ud800"},
    "surrogate in the tag": {"tags": ["\ud800"]},
    "surrogate in the message": {"history": [{"body": "b", "message": "\ud800"}]},
    "surrogate in a draft": {"history": [{"body": "\ud800"}, {"body": "b"}]},
    "surrogate in a default": {"variables": {"n": "\ud800"}},
    "NUL in a draft": {"history": [{"body": "a\0"}, {"body": "b"}]},
    "NUL in the title": {"title": "a\0b"},
    "empty draft": {"history": [{"body": ""}, {"body": "b"}]},
    "lines in the title": {"title": "a\n---\nb"},
    "no author": {"history": [{"body": "b", "author": {"name": None, "email": "x"}}]},
    "number as author": {"history": [{"body": "b", "author": {"name": 1, "email": 2}}]},
    "lines in the author": {
        "history": [{"body": "b", "author": {"name": "A\nB", "email": "<x>\n"}}]
    },
    "lines in the message": {"history": [{"body": "b", "message": "a\n\nb: c"}]},
    "no message": {"history": [{"body": "a"}, {"body": "b", "message": ""}]},
    "marks in the message": {"history": [{"body": "b", "message": "a\x01\x02b"}]},
    "label of several words": {"labels": {"my label: x\n": 1}},
    "label of no number": {"labels": {"best": "1"}},
    "very many uses": {"uses": 10**30, "used_at": "2026-05-01"},
    "fewer uses than none": {"uses": -1, "used_at": "2026-05-01"},
    "time in the future": {"created_at": "2999-01-01", "updated_at": "2999-01-01"},
    "time before git": {"history": [{"body": "b", "created_at": "1901-01-01"}] * 2},
    "source of several lines": {"source": "a\nb: c"},
    "text of the digest": {"name": "other", "body": "one"},
}


@pytest.mark.parametrize("what", ODD)
def test_odd_row_harms_neither_the_others_nor_the_vault(
    pvt: Pvt, tmp_path: Path, what: str
) -> None:
    first: Json = {"id": ID, "name": "first", "body": "one"}
    first |= {"history": [{"body": "one", "id": REVISION}]}
    rows = [first, {"name": "odd", "body": "b"} | ODD[what], {"name": "c", "body": "c"}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    result = pvt("import", str(tmp_path / "rows.json"))
    assert result.code == 0, result.err
    listed = pvt.ok("list", "--plain").lines
    assert {"first", "c"} <= set(listed)
    assert all(pvt.ok("get", name).out for name in listed)
    checked = pvt("doctor", "--json")
    assert (checked.code, checked.json["problems"]) == (0, [])


def test_file_copied_for_a_new_prompt(pvt: Pvt, tmp_path: Path) -> None:
    # A user copies an exported file, removes the id and writes another text.
    pvt.ok("add", "one", "One.")
    pvt.ok("export", str(tmp_path / "files"))
    lines = (tmp_path / "files/one.md").read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("id: "))
    (tmp_path / "files/two.md").write_text(text.replace("One.", "Two."))
    assert pvt.ok("import", str(tmp_path / "files"), "--json").json["added"] == 1
    assert pvt.ok("get", "two").out == b"Two."
    assert pvt("doctor").code == 0
