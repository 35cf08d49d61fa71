"""The database rebuilt from the history: all of it, or some lost prompts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from promptvault import front_matter
from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.prompt import LOCAL_SOURCE, Author, Content, Origin
from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.errors import InvalidInputError
from promptvault.front_matter import Document
from promptvault.history import inspection
from promptvault.history.inspection import BlobReader, CommittedFile
from promptvault.history.repository import History
from promptvault.services.workspace import Workspace
from promptvault.vault import integrity
from promptvault.vault.database import bulk_transaction, open_writable
from promptvault.vault.imports.bulk_insert import BulkInsert


@dataclass(frozen=True, slots=True)
class RecoveredPrompt:
    """A prompt as the history has it."""

    offer: ImportedPrompt
    commits: Mapping[str, str]
    """Version id to the first commit that holds it."""


def recover_prompts(
    history: History, prompt_ids: Collection[str] | None = None
) -> Iterator[RecoveredPrompt]:
    """Yield the prompts of the newest commit, with all versions in the history.

    *prompt_ids* restricts them. Files that are not in the format of PromptVault are
    skipped. Raises VaultError if git objects are missing.
    """
    with inspection.BlobReader(history) as reader:
        versions = _versions_by_prompt(history, reader)
        for path, blob in inspection.head_files(history).items():
            text = reader.read(blob)
            parts = front_matter.take_apart(text)
            if parts and (prompt_ids is None or parts.prompt_id in prompt_ids):
                found = recover_prompt(reader, path, text, versions[parts.prompt_id])
                if found:
                    yield found


class _HistoryVersion(NamedTuple):
    """A version in the history."""

    first: CommittedFile
    """The first file that holds it."""
    number: int
    """Its number in the latest file; a sync may have renumbered it."""
    file_index: int
    """Index of that file among all files of the history."""


_Versions = dict[str, _HistoryVersion]
"""By revision."""


def _versions_by_prompt(history: History, reader: BlobReader) -> dict[str, _Versions]:
    """Return the versions by prompt id."""
    found: dict[str, _Versions] = defaultdict(dict)
    for index, file in enumerate(inspection.committed_files(history)):
        parts = front_matter.take_apart(reader.read(file.blob))
        if parts:
            versions = found[parts.prompt_id]
            known = versions.get(parts.revision)
            first = known.first if known else file
            versions[parts.revision] = _HistoryVersion(first, parts.number, index)
    return found


def _in_order(versions: Iterable[_HistoryVersion]) -> list[_HistoryVersion]:
    """Return the versions in the order of their numbers.

    If several versions have the same number, the latest keeps it, and the others follow
    at the end. This happens, for example, after an import was undone.
    """
    owners: dict[int, _HistoryVersion] = {}
    left = []
    for version in sorted(versions, key=lambda each: each.file_index, reverse=True):
        if owners.setdefault(version.number, version) is not version:
            left.append(version)
    left.sort(key=lambda each: (each.number, each.file_index))
    return [owners[number] for number in sorted(owners)] + left


def recover_prompt(
    reader: BlobReader, path: str, text: str, known: Mapping[str, _HistoryVersion]
) -> RecoveredPrompt | None:
    """Return the prompt in the file *text*, with its *known* versions.

    Returns None if a file is not in the format of PromptVault.
    """
    try:
        ordered = _in_order(known.values())
        files = [_parsed(reader.read(each.first.blob)) for each in ordered]
        offer = _offer(path, _parsed(text), files)
    except (InvalidInputError, KeyError, ValueError, TypeError):
        return None
    commits = {revision: each.first.commit for revision, each in known.items()}
    return RecoveredPrompt(offer, commits)


def _parsed(text: str) -> Document:
    document = front_matter.split(text)
    if document is None:
        raise InvalidInputError("There is no front matter.")
    return document


def _offer(path: str, head: Document, files: Sequence[Document]) -> ImportedPrompt:
    """Return the prompt of *head*, with a version from each of *files*, in order."""
    fields = head.fields
    versions, linked = _versions(files)
    ids = [version.id for version in versions]
    deleted = fields.get("deleted")
    return ImportedPrompt(
        name=fields.get("name") or path.removesuffix(".md"),
        versions=versions,
        source=str(fields.get("source", LOCAL_SOURCE)),
        title=str(fields.get("title", "")),
        description=str(fields.get("description", "")),
        tags=tuple(map(str, fields.get("tags", ()))),
        favourite=bool(fields.get("favourite", False)),
        secrets_allowed=fields.get("sensitive_allowed") is True,
        labels={
            label: number
            for label, number in fields.get("labels", {}).items()
            if number in range(1, len(versions) + 1)
        },
        created_at=from_text(fields["created"]),
        updated_at=from_text(fields.get("changed") or fields["updated"]),
        deleted_at=from_text(deleted) if deleted else None,
        origins=tuple(each for each in _origins(fields) if each not in linked),
        id=str(fields["id"]),
        version=ids.index(str(fields["revision"])) + 1,
    )


def _versions(
    files: Sequence[Document],
) -> tuple[list[ImportedVersion], list[Origin]]:
    """Return the versions, and the origins that belong to one version.

    The origin of a version is the first one in its file that no earlier file has.
    """
    versions: list[ImportedVersion] = []
    linked: list[Origin] = []
    for file in files:
        own = next((each for each in _origins(file.fields) if each not in linked), None)
        linked += [own] if own else []
        versions.append(_version(file, own))
    return versions, linked


def _version(file: Document, origin: Origin | None) -> ImportedVersion:
    fields = file.fields
    variables = variables_from_mapping(fields.get("variables") or {})
    name, _, email = str(fields["author"]).removesuffix(">").rpartition(" <")
    return ImportedVersion(
        content=Content(file.body, bool(fields.get("template", False)), variables),
        created_at=from_text(fields["updated"]),
        origin=origin,
        message=str(fields["message"]),
        author=Author(name, email),
        id=str(fields["revision"]),
    )


def _origins(fields: Mapping[str, Any]) -> Iterator[Origin]:
    for each in fields.get("origins", ()):
        time = each.get("created")
        yield Origin(
            source=each["source"],
            conversation_id=each.get("conversation"),
            conversation_title=each.get("title"),
            message_id=each.get("message"),
            model=each.get("model"),
            created_at=from_text(time) if time else None,
            url=each.get("url"),
        )


def rebuild_database(workspace: Workspace, history: History, database: Path) -> int:
    """Create the file *database* from the history, and return the number of prompts.

    Raises VaultError; the file does not exist then.
    """
    fresh = database.with_suffix(".rebuilding")
    fresh.unlink(missing_ok=True)
    connection = open_writable(fresh)
    with closing(connection):
        count = 0
        with bulk_transaction(connection):
            author, now = workspace.author(), workspace.now()
            inserts = BulkInsert(connection, author, now, None)
            for found in recover_prompts(history):
                inserts.upsert(found.offer)
                integrity.set_commits(connection, found.commits)
                count += 1
            inserts.finish("")
            integrity.clear_outbox(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.rename(database)
    return count
