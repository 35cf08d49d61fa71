"""The comparison of database and history, by version and by file, and its repair."""

import hashlib
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from promptvault import front_matter
from promptvault.domain.prompt import Author, Prompt
from promptvault.domain.revision import Number
from promptvault.history import inspection
from promptvault.history.feed import FileChange, NewCommit
from promptvault.history.repository import History
from promptvault.services.health.rebuild import recover_prompts
from promptvault.services.locking import flush
from promptvault.services.workspace import Workspace
from promptvault.vault import integrity
from promptvault.vault.database import bulk_transaction
from promptvault.vault.imports.bulk_insert import BulkInsert
from promptvault.vault.integrity import StoredVersion, text_hash
from promptvault.vault.outbox import history_path
from promptvault.vault.reader import Reader, Selection


class _CommittedVersion(NamedTuple):
    """A version in the history."""

    prompt_id: str
    revision: str
    hash: bytes
    commit: str
    """The first commit that holds it."""
    blob: str


@dataclass
class ConsistencyReport:
    """The differences of database and history; everything is empty if they agree."""

    versions: int = 0
    prompts: int = 0
    damaged: list[StoredVersion] = field(default_factory=list)
    """Versions whose text does not match its digest."""
    missing: list[StoredVersion] = field(default_factory=list)
    """Versions that the history lacks, or has with a different text."""
    unlinked: list[StoredVersion] = field(default_factory=list)
    """Versions without a commit id, or with that of a commit that lacks them."""
    files: list[str] = field(default_factory=list)
    """Paths of files that differ from the database."""
    lost: set[str] = field(default_factory=set)
    """Ids of prompts with a version that the database lacks."""
    committed: dict[str, _CommittedVersion] = field(default_factory=dict)
    """Version id to the version in the history."""
    again: set[tuple[str, str]] = field(default_factory=set)
    """Version ids with each further commit that holds them: a version that was removed
    permanently may have come back from another device.
    """

    def messages(self) -> Iterator[tuple[str, str]]:
        """Yield a message for each difference, and its remedy."""
        for version in self.damaged:
            yield (
                f"The text of {_named(version)} is damaged.",
                "take it from the history",
            )
        for version in self.missing:
            yield f"The history lacks {_named(version)}.", "commit it"
        for version in self.unlinked:
            yield f"The commit id of {_named(version)} is wrong.", "set it"
        for path in self.files:
            yield f"The file {path} differs from the database.", "commit it again"
        for prompt_id in sorted(self.lost):
            yield (
                f"The database lacks a version of the prompt {prompt_id}.",
                "take it from the history",
            )


def _named(version: StoredVersion) -> str:
    return f"{version.name}@{version.number}"


def compare_vault(
    connection: sqlite3.Connection, history: History
) -> ConsistencyReport:
    """Compare the whole database with the whole history.

    Raises VaultError if either cannot be read.
    """
    report = ConsistencyReport()
    commits: dict[str, str] = {}
    later: dict[str, list[str]] = {}
    for file in inspection.committed_files(history):
        if commits.setdefault(file.blob, file.commit) != file.commit:
            later.setdefault(file.blob, []).append(file.commit)
    blobs = {}
    for blob, text in _texts(history, commits):
        parts = front_matter.take_apart(text)
        if parts:
            ids, hashed = (parts.prompt_id, parts.revision), text_hash(parts.body)
            blobs[blob] = _CommittedVersion(*ids, hashed, commits[blob], blob)
            first = report.committed.setdefault(parts.revision, blobs[blob])
            all_ = (commits[blob], *later.get(blob, ()))
            report.again |= {(parts.revision, c) for c in all_ if c != first.commit}
    stored = _compare_versions(connection, report)
    _compare_files(connection, history, report, stored, blobs)
    return report


def _texts(history: History, blobs: Iterable[str]) -> Iterator[tuple[str, str]]:
    if history.exists():
        with inspection.BlobReader(history) as reader:
            for blob in blobs:
                yield blob, reader.read(blob)


def _compare_versions(
    connection: sqlite3.Connection, report: ConsistencyReport
) -> set[str]:
    stored = set()
    for version in integrity.read_stored_versions(connection):
        stored.add(version.id)
        committed = report.committed.get(version.id)
        differs = committed is not None and committed.hash != version.text_hash
        if differs or not version.sound:
            report.damaged.append(version)
        elif committed is None:
            report.missing.append(version)
        elif not _is_noted(version, committed, report):
            report.unlinked.append(version)
    report.versions = len(stored)
    return stored


def _is_noted(
    version: StoredVersion, committed: _CommittedVersion, report: ConsistencyReport
) -> bool:
    noted = version.commit
    return noted == committed.commit or (version.id, str(noted)) in report.again


def _compare_files(
    connection: sqlite3.Connection,
    history: History,
    report: ConsistencyReport,
    stored: set[str],
    blobs: Mapping[str, _CommittedVersion],
) -> None:
    reader = Reader(connection)
    head = inspection.head_files(history)
    for prompt in _all_prompts(reader):
        report.prompts += 1
        path = history_path(prompt)
        if head.get(path) == _blob_id(_file_text(reader, prompt)):
            del head[path]
        else:
            report.files.append(path)
    files = {path: blobs[blob] for path, blob in head.items() if blob in blobs}
    unknown = {file.prompt_id for file in files.values() if file.revision not in stored}
    if unknown:
        report.lost = {found.offer.id for found in recover_prompts(history, unknown)}
    for path, file in files.items():
        # Other files may look like prompts, such as a person's own notes.
        known = file.revision in stored or file.prompt_id in report.lost
        if known and path not in report.files:
            report.files.append(path)


def _all_prompts(reader: Reader) -> Iterator[Prompt]:
    yield from reader.prompts(Selection())
    yield from reader.prompts(Selection(trashed=True))


def _file_text(reader: Reader, prompt: Prompt) -> str:
    version = reader.current(prompt)
    origins = reader.origins(prompt)
    return front_matter.header(prompt, version, origins) + version.body


def _blob_id(text: str) -> str:
    data = text.encode()
    start = b"blob %d\0" % len(data)
    return hashlib.sha1(start + data, usedforsecurity=False).hexdigest()


def repair_vault(
    workspace: Workspace, connection: sqlite3.Connection, history: History, lock: int
) -> None:
    """Make database and history agree; neither loses a version.

    Raises VaultError.
    """
    if not history.exists():
        history.create()
    report = compare_vault(connection, history)
    for version in report.damaged:
        _restore_text(connection, history, report, version)
    if report.lost:
        with bulk_transaction(connection):
            inserts = BulkInsert(connection, workspace.author(), workspace.now(), None)
            for recovered in recover_prompts(history, report.lost):
                inserts.upsert(recovered.offer)
            inserts.finish("Take lost prompts back from the history")
        flush(connection, history, lock, recover=False)
        report = compare_vault(connection, history)
    if report.missing or report.files:
        history.append(_missing_changes(workspace, connection, report), lock)
        report = compare_vault(connection, history)
    commits = {v.id: report.committed[v.id].commit for v in report.unlinked}
    with bulk_transaction(connection):
        integrity.set_commits(connection, commits)


def _restore_text(
    connection: sqlite3.Connection,
    history: History,
    report: ConsistencyReport,
    version: StoredVersion,
) -> None:
    committed = report.committed.get(version.id)
    if committed:
        with inspection.BlobReader(history) as reader:
            parts = front_matter.take_apart(reader.read(committed.blob))
        assert parts is not None
        integrity.restore_text(connection, version, parts.body)


def _missing_changes(
    workspace: Workspace, connection: sqlite3.Connection, report: ConsistencyReport
) -> Iterator[NewCommit]:
    """Yield a commit for each missing older version, then one for current files."""
    reader = Reader(connection)
    for stored in report.missing:
        prompt = reader.by_id(stored.prompt_id)
        if stored.id != prompt.version_id:
            version = reader.version(prompt, Number(stored.number))
            text = front_matter.header(prompt, version, reader.origins(prompt))
            file = FileChange(history_path(prompt), text + version.body)
            yield _change(version.author, version.message, version.created_at, [file])
    wanted = {history_path(prompt): prompt for prompt in _all_prompts(reader)}
    paths = dict.fromkeys(report.files)
    for stored in report.missing:
        paths[history_path(reader.by_id(stored.prompt_id))] = None
    files = (
        FileChange(path, _file_text(reader, wanted[path]) if path in wanted else None)
        for path in paths
    )
    message = "Bring the history up to the database"
    yield _change(workspace.author(), message, workspace.now(), files)


def _change(
    author: Author, message: str, time: datetime, files: Iterable[FileChange]
) -> NewCommit:
    return NewCommit(str(uuid.uuid4()), author, message, time, files)
