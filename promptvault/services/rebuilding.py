"""The database made anew from the history, whole or for the prompts it has lost."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptvault import front_matter
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import LOCAL_SOURCE, Content, Origin
from promptvault.domain.timestamp import from_text
from promptvault.domain.variable import variables_from_mapping
from promptvault.history import inspection
from promptvault.history.inspection import BlobReader, CommittedFile
from promptvault.history.repository import History
from promptvault.services.workspace import Workspace
from promptvault.vault import examination
from promptvault.vault.database import bulk_transaction, open_writable
from promptvault.vault.intake import Intake


@dataclass(frozen=True, slots=True)
class Recovered:
    """A prompt read back from the history."""

    offer: Offer
    commits: Mapping[str, str]
    """Version id to the first commit that holds it."""
    deleted_at: str | None


def recover(
    history: History, prompt_ids: Collection[str] | None = None
) -> Iterator[Recovered]:
    """Yield the prompts of the newest commit with all versions that the history has.

    *prompt_ids* narrows it to some. Raises VaultError when objects are missing.
    """
    with inspection.BlobReader(history) as reader:
        versions = _versions_by_prompt(history, reader)
        for path, blob in inspection.head_files(history).items():
            text = reader.read(blob)
            parts = front_matter.take_apart(text)
            if parts and (prompt_ids is None or parts.prompt_id in prompt_ids):
                yield _recovered(reader, path, text, versions[parts.prompt_id])


def _versions_by_prompt(
    history: History, reader: BlobReader
) -> dict[str, dict[str, CommittedFile]]:
    """Return prompt id to revision to the first file that holds it."""
    found: dict[str, dict[str, CommittedFile]] = defaultdict(dict)
    for file in inspection.committed_files(history):
        parts = front_matter.take_apart(reader.read(file.blob))
        if parts:
            found[parts.prompt_id].setdefault(parts.revision, file)
    return found


def _recovered(
    reader: BlobReader, path: str, text: str, known: Mapping[str, CommittedFile]
) -> Recovered:
    document = front_matter.split(text)
    assert document is not None
    fields = document.fields
    versions = {
        revision: _version(file, reader.read(file.blob))
        for revision, file in known.items()
    }
    current = versions.pop(str(fields["revision"]))
    older = sorted(versions.values(), key=lambda pair: pair[0])
    offer = Offer(
        name=fields.get("name") or path.removesuffix(".md"),
        versions=[version for _, version in older] + [current[1]],
        source=str(fields.get("source", LOCAL_SOURCE)),
        title=str(fields.get("title", "")),
        description=str(fields.get("description", "")),
        tags=tuple(map(str, fields.get("tags", ()))),
        favourite=bool(fields.get("favourite", False)),
        labels=fields.get("labels", {}),
        created_at=from_text(fields["created"]),
        updated_at=from_text(fields["updated"]),
        origins=tuple(map(_origin, fields.get("origins", ()))),
        id=str(fields["id"]),
    )
    commits = {revision: file.commit for revision, file in known.items()}
    return Recovered(offer, commits, fields.get("deleted"))


def _version(file: CommittedFile, text: str) -> tuple[int, OfferedVersion]:
    document = front_matter.split(text)
    assert document is not None
    fields = document.fields
    variables = variables_from_mapping(fields.get("variables") or {})
    content = Content(document.body, bool(fields.get("template", False)), variables)
    version = OfferedVersion(
        content=content,
        created_at=from_text(fields["updated"]),
        message=file.message,
        author=file.author,
        id=str(fields["revision"]),
    )
    return int(fields["version"]), version


def _origin(fields: Mapping[str, Any]) -> Origin:
    time = fields.get("created")
    return Origin(
        source=fields["source"],
        conversation_id=fields.get("conversation"),
        conversation_title=fields.get("title"),
        message_id=fields.get("message"),
        model=fields.get("model"),
        created_at=from_text(time) if time else None,
        url=fields.get("url"),
    )


def rebuild_database(workspace: Workspace, history: History, database: Path) -> int:
    """Make *database*, a file that is not there, from the history.

    Returns how many prompts it holds. Raises VaultError; there is no file then.
    """
    fresh = database.with_suffix(".rebuilding")
    fresh.unlink(missing_ok=True)
    connection = open_writable(fresh)
    with closing(connection):
        count = 0
        with bulk_transaction(connection):
            author, now = workspace.author(), workspace.now()
            intake = Intake(connection, author, now, None)
            for recovered in recover(history):
                intake.offer(recovered.offer)
                examination.settle(
                    connection,
                    recovered.offer.id,
                    recovered.deleted_at,
                    recovered.commits,
                )
                count += 1
            intake.finish("")
            examination.forget_outbox(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.rename(database)
    return count
