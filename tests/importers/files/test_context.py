"""The location of a file shows whether it was written as a prompt."""

from pathlib import Path

from promptvault.importers.files import context
from promptvault.importers.input.document import Document, documents_at
from tests.importers.build import document


def only(folder: Path, name: str) -> Document:
    found = (each for each in documents_at(folder) if isinstance(each, Document))
    return next(each for each in found if each.name == name)


def test_name_of_the_folder_that_was_given_counts(tmp_path: Path) -> None:
    folder = tmp_path / "My Prompts"
    folder.mkdir()
    for name in ("a.md", "b.pdf"):
        (folder / name).write_text("text")
    assert context.is_place_of_prompts(only(folder, "a.md"))
    (folder / "main.py").write_text("text")
    assert not context.is_place_of_prompts(only(folder, "a.md"))


def test_documentation_of_prompts_is_no_prompt() -> None:
    names = ["docs/prompts/a.md", "main.py"]
    assert not context.is_place_of_prompts(document(b"x", names[0], names))
    assert context.is_place_of_prompts(document(b"x", names[0], names[:1]))


def test_code_in_hidden_folders_is_not_seen() -> None:
    names = ["a.md", ".obsidian/plugins/x/main.js", ".github/workflows/ci.yml"]
    assert context.is_among_texts(document(b"x", "a.md", names))
    assert not context.is_beside_code(document(b"x", "a.md", names))
    assert context.is_beside_code(document(b"x", "a.md", ["a.md", "Makefile"]))


def test_export_next_to_a_file_is_seen_but_not_in_itself() -> None:
    names = ["notes.md", "conversations-001.json"]
    assert context.is_beside_export(document(b"x", names[0], names))
    assert not context.is_beside_export(document(b"x", names[1], names))
