"""`scan` and `redact`: prompts with secrets are found, redacted and restored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptvault import front_matter
from promptvault.domain.prompt import Content, Details, Prompt
from promptvault.domain.secret import Secret
from promptvault.errors import ConflictError
from promptvault.history.inspection import BlobReader, file_blobs
from promptvault.history.repository import History
from promptvault.secret_scan import (
    find_secrets,
    is_redacted,
    redacted_content,
    redacted_details,
    redacted_name,
    secret_types,
    secrets_of_details,
)
from promptvault.services.locking import locked
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.workspace import Workspace
from promptvault.vault.database import bulk_transaction
from promptvault.vault.outbox import history_path
from promptvault.vault.reader import Reader, Selection
from promptvault.vault.repository import Repository
from promptvault.vault.secret_flags import update_secret_flags

_FLAGGED = """SELECT DISTINCT p.id FROM prompts p JOIN versions v ON v.prompt_pk = p.pk
    WHERE v.secrets != '[]'"""


@dataclass(frozen=True, slots=True)
class PromptSecrets:
    """A prompt with a likely secret in any version or in its details."""

    prompt: Prompt
    secrets: tuple[Secret, ...]
    """The secrets in the text of the current version."""
    fields: tuple[tuple[str, str], ...]
    """The secrets in the details: name of the field, and type."""
    versions: tuple[int, ...]
    """Numbers of all versions with a secret."""


def scan_prompts(workspace: Workspace) -> list[PromptSecrets]:
    """Return every prompt with a likely secret, by the current rules.

    Also updates the flags of versions that were saved with older rules. Raises
    VaultError.
    """
    with (
        locked(workspace, even_if_left=True) as writer,
        bulk_transaction(writer.connection),
    ):
        update_secret_flags(writer.connection)
        return list(_holdings(Reader(writer.connection)))


def _holdings(reader: Reader) -> Iterator[PromptSecrets]:
    flagged = {id_ for (id_,) in reader.rows(_FLAGGED)}
    for prompt in reader.prompts(Selection()):
        if not (prompt.secrets or prompt.id in flagged):
            continue
        current = reader.current(prompt)
        numbers = [v.number for v in reader.versions(prompt) if secret_types(v.content)]
        found = find_secrets(current.body)
        yield PromptSecrets(
            prompt,
            tuple(found),
            tuple(secrets_of_details(prompt.name, prompt.details)),
            tuple(numbers),
        )


def redact_prompts(workspace: Workspace, names: Sequence[str]) -> list[Saved]:
    """Replace the likely secrets in prompts; without *names*, in all held back.

    The redacted text is a new version, which `undo_redaction` can revert. Raises
    NotFoundError; nothing is changed then.
    """
    with prompt_transaction(workspace) as repository:
        return [
            _redact(repository, prompt) for prompt in _chosen(repository.reader, names)
        ]


def _chosen(reader: Reader, names: Sequence[str]) -> list[Prompt]:
    if names:
        found = map(reader.get, names)
        return list({prompt.id: prompt for prompt in found}.values())
    prompts = reader.prompts(Selection())
    return [prompt for prompt in prompts if prompt.is_held_back]


def _redact(repository: Repository, prompt: Prompt) -> Saved:
    outcome = Outcome.UNCHANGED
    before = repository.reader.current(prompt).content
    after = redacted_content(before)
    if after != before:
        note = f"Redact {', '.join(secret_types(before))}"
        prompt = repository.add_version(prompt, after, note)
        outcome = Outcome.CHANGED
    name = _redacted_name(repository.reader, prompt)
    details = redacted_details(prompt.details)
    if (name, details) != (prompt.name, prompt.details):
        change = (prompt, name, details)
        (prompt,) = repository.describe([change], f"Redact the details of {name}")
        outcome = Outcome.CHANGED
    return Saved(prompt, outcome)


def _redacted_name(reader: Reader, prompt: Prompt) -> str:
    """Return the prompt's name without likely secrets, as a name that is free."""
    wanted = redacted_name(prompt.name)
    name, number = wanted, 1
    while name != prompt.name and reader.find(name):
        number += 1
        name = f"{wanted}-{number}"
    return name


class Undone(NamedTuple):
    """A prompt whose redaction was undone."""

    saved: Saved
    not_restored: tuple[str, ...]
    """The fields that are still redacted: what they were is not known."""


def undo_redaction(workspace: Workspace, names: Sequence[str]) -> list[Undone]:
    """Restore the texts and details that `redact` replaced; they are held back again.

    Raises NotFoundError, and ConflictError if a prompt was not redacted or was edited
    since; nothing is changed then.
    """
    history = History(workspace.paths.history)
    with prompt_transaction(workspace) as repository:
        return [
            _restore(repository, history, prompt)
            for prompt in _chosen(repository.reader, names)
        ]


def _restore(repository: Repository, history: History, prompt: Prompt) -> Undone:
    content = _unredacted(repository.reader, prompt)
    details, missing = _find_details(history, prompt)
    if content is None and details == prompt.details:
        raise ConflictError(
            f"{prompt.name} is not as 'redact' left it; 'promptvault log {prompt.name}'"
            " lists its versions, and 'revert' goes back to one."
        )
    note = f"Undo the redaction of {prompt.name}"
    if content:
        prompt = repository.add_version(prompt, content, note)
    elif is_redacted(repository.reader.current(prompt).body):
        missing += ("text",)
    details = details._replace(secrets_allowed=False)
    if details != prompt.details:
        prompt = repository.update(prompt, details, note)
    return Undone(Saved(prompt, Outcome.RESTORED), missing)


def _unredacted(reader: Reader, prompt: Prompt) -> Content | None:
    """Return the content of the latest version whose redaction is the current one."""
    current = reader.current(prompt).content
    for version in reversed(list(reader.versions(prompt))):
        content = version.content
        if content != current and redacted_content(content) == current:
            return content
    return None


def _find_details(history: History, prompt: Prompt) -> tuple[Details, tuple[str, ...]]:
    """Return the details before they were redacted, and the fields not found.

    Only the history has them. Fields without a mark of `redact` stay as they are.
    """
    found, missing = prompt.details, _marked(prompt.details)
    if not missing:
        return found, ()
    with BlobReader(history) as reader:
        for blob in file_blobs(history, history_path(prompt)):
            older = _details(reader.read(blob), prompt.id)
            for field in _redacted_since(older, prompt.details, missing):
                found = found._replace(**{field: getattr(older, field)})
                missing.remove(field)
            if not missing:
                break
    return found, tuple(missing)


def _marked(details: Details) -> list[str]:
    texts = {
        "title": [details.title],
        "description": [details.description],
        "tags": details.tags,
    }
    return [field for field, each in texts.items() if any(map(is_redacted, each))]


def _details(text: str, prompt_id: str) -> Details:
    """Return the details in a file of the history, none for another prompt's file."""
    parts, document = front_matter.take_apart(text), front_matter.split(text)
    if parts is None or document is None or parts.prompt_id != prompt_id:
        return Details()
    fields = document.fields
    return Details(
        str(fields.get("title", "")),
        str(fields.get("description", "")),
        tuple(map(str, fields.get("tags", ()))),
    )


def _redacted_since(older: Details, now: Details, fields: Sequence[str]) -> list[str]:
    """Return those of *fields* that are now what `redact` makes of the older ones."""
    cleaned = redacted_details(older)
    return [
        field
        for field in fields
        if getattr(older, field) != getattr(cleaned, field) == getattr(now, field)
    ]
