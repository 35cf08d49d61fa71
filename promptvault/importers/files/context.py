"""The files around a document, as evidence that it was written as a prompt.

Plain text, tables and data are everywhere. A document given by itself is a prompt; one
among other files is a prompt if its location or its name says so.
"""

import re
from functools import lru_cache
from pathlib import PurePosixPath

from promptvault.importers.input.document import Document

_CODE = frozenset(
    """.bash .c .cc .cjs .cpp .cs .cts .dart .el .erl .ex .exs .go .gradle .h .hpp .hs
    .java .jl .js .jsx .kt .kts .lua .m .mjs .ml .mts .php .pl .ps1 .py .pyi .r .rb .rs
    .scala .sh .sql .svelte .swift .tf .ts .tsx .vue .zig""".split()
)
_PROJECT = frozenset(
    """build.gradle cargo.toml cmakelists.txt composer.json dockerfile gemfile go.mod
    makefile mkdocs.yml package.json pom.xml pyproject.toml setup.cfg tsconfig.json
    _config.yml""".split()
)
_KEPT = frozenset(
    """.md .mdc .markdown .txt .text .prompt .csv .tsv .json .jsonl .ndjson .png .jpg
    .jpeg .gif .webp .svg""".split()
)
_NO_ENDING = frozenset({"", ".", ".ds_store", ".lock"})
_EXPORT = re.compile(
    r"(conversations(-\d+)?\.json|chat\.html|(my.?activity|.*aktivit.*)\.(json|html))",
    re.I,
)
# Folders of uploads in an export of Le Chat.
_UPLOADS = re.compile(r"chat-[\w-]+-files")
# Folders in which agents' programs keep prompts; elsewhere the names mean other things.
_TOOL_FOLDERS = frozenset(
    """agent agents chatmodes command commands instructions modes personas prompts roles
    rules snippets templates workflows""".split()
)
_ABOUT_CODE = frozenset(
    """__data__ __tests__ doc docs documentation fixtures spec test testdata tests
    website""".split()
)
_WORD = re.compile(r"[^\W\d_]+")


def is_alone(document: Document) -> bool:
    """Return True if *document* was given by itself."""
    return len(document.siblings) <= 1


def is_place_of_prompts(document: Document) -> bool:
    """Return True if the name of *document*, or of a folder around it, mentions
    prompts."""
    *folders, name = _parts(document)
    if is_beside_code(document) and not _ABOUT_CODE.isdisjoint(folders):
        return False
    words = _WORD.findall(PurePosixPath(name).stem)
    return (
        words[-1:] in (["prompt"], ["prompts"])
        or any(map(_is_of_prompts, folders))
        or is_tool_folder(document, hidden=True)
        or (_is_of_prompts(_root(document)) and not is_beside_code(document))
    )


def is_tool_folder(document: Document, *, hidden: bool = False) -> bool:
    """Return True if *document* is in a folder such as `commands`.

    With *hidden*, that folder must be within a hidden one, as in `.claude/commands`.
    """
    folders = (_root(document), *_parts(document)[:-1])
    around = False
    for folder in folders:
        if folder in _TOOL_FOLDERS and (around or not hidden):
            return hidden or _ABOUT_CODE.isdisjoint(folders)
        around = around or folder.startswith(".")
    return False


def is_among_tests(document: Document) -> bool:
    """Return True if *document* is among the tests or the documentation of a
    program."""
    folders = _parts(document)[:-1]
    return is_beside_code(document) and not _ABOUT_CODE.isdisjoint(folders)


def is_among_texts(document: Document) -> bool:
    """Return True if all files around are texts, data and pictures."""
    return _are_texts(document.siblings)


def is_beside_export(document: Document) -> bool:
    """Return True if a chat export, which has uploads and notes, is among the files
    around."""
    if any(map(_UPLOADS.fullmatch, _parts(document)[:-1])):
        return True
    return _holds_export(document.siblings) and not _EXPORT.fullmatch(
        _parts(document)[-1]
    )


def is_beside_code(document: Document) -> bool:
    """Return True if it is in the folder of a program."""
    return _hold_code(document.siblings)


def _parts(document: Document) -> tuple[str, ...]:
    """Return the folders below the given path, and the name, in lower case."""
    return PurePosixPath(document.name.lower()).parts or ("",)


def _root(document: Document) -> str:
    """Return the name of the given folder, '' if it is not known."""
    depth = len(PurePosixPath(document.name).parts)
    parts = document.path.absolute().parts[:-depth] if document.path else ()
    return parts[-1].lower() if parts else ""


def _is_of_prompts(folder: str) -> bool:
    return folder == "prompt" or "prompts" in _WORD.findall(folder)


@lru_cache(maxsize=4)  # all documents of a folder have the same siblings
def _hold_code(names: frozenset[str]) -> bool:
    return any(
        path.suffix in _CODE or path.name in _PROJECT for path in map(_seen, names)
    )


@lru_cache(maxsize=4)
def _are_texts(names: frozenset[str]) -> bool:
    paths = [path for path in map(_seen, names) if path.name]
    return not _hold_code(names) and all(
        path.suffix in _KEPT or path.suffix in _NO_ENDING for path in paths
    )


@lru_cache(maxsize=4)
def _holds_export(names: frozenset[str]) -> bool:
    return any(_EXPORT.fullmatch(PurePosixPath(name).name) for name in names)


def _seen(name: str) -> PurePosixPath:
    """Return the path of a file; an empty one if it is hidden, as settings are."""
    path = PurePosixPath(name.lower())
    is_hidden = any(part.startswith(".") for part in path.parts)
    return PurePosixPath() if is_hidden else path
