"""`copy` and `move` from one vault of this device into another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.domain.name import validate_name
from promptvault.domain.prompt import Details, Origin, Prompt, Version
from promptvault.errors import AlreadyExistsError, PermissionDeniedError
from promptvault.home import full_name
from promptvault.secret_scan import secret_types
from promptvault.services.prompts.edit import (
    delete_prompts,
    find_prompts,
    new_name,
    require_movable,
)
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.prompts.retrieval import resolve
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.workspace import Workspace
from promptvault.vault.reader import Reader, reading
from promptvault.vault.repository import Repository
from promptvault.vault.sync.link import find_link
from promptvault.vault.sync.team import find_team

_SOURCE = "promptvault"
"""The source of what was copied from another vault."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """How prompts get from one vault into another."""

    source: Workspace
    target: Workspace
    message: str | None = None
    history: bool = False
    """Whether older versions are copied too."""
    allow_secrets: bool = False
    """Whether to copy what is held back in the source because of likely secrets."""


class _Copy(NamedTuple):
    """A prompt for another vault. Its ids are made there."""

    name: str
    details: Details
    versions: list[Version]
    """Oldest first."""
    origin: Origin


def copy_into(transfer: Transfer, reference: str, new: str) -> Saved:
    """Copy ``NAME[@REV]`` into another vault, as a new prompt called *new*.

    If *new* is empty, the name stays the same.
    Raises NotFoundError, InvalidInputError, AlreadyExistsError, and
    PermissionDeniedError for a likely secret and if the user has left the target.
    """
    with _reading(transfer.source) as reader:
        prompt, version = resolve(reader, reference)
        name = _name(prompt, reference, new)
        copy = _read(transfer, reader, prompt, version, name)
    return _write(transfer, [copy])[0]


def move_into(transfer: Transfer, name: str, new: str) -> list[Saved]:
    """Move a prompt into another vault, or a folder if *name* ends with '/'.

    It is copied, and then put into the trash of its own vault. Raises as `copy_into`.
    """
    with _reading(transfer.source) as reader:
        team = find_team(reader.connection)
        if team and team.has_left:
            raise PermissionDeniedError(
                f"You are not in the team {team.name} any more: 'copy' takes a prompt"
                " over, but it cannot be moved."
            )
        prompts = find_prompts(reader, [name])
        require_movable(reader, *(prompt.labels for prompt in prompts))
        copies = [
            _read(transfer, reader, p, reader.current(p), _name(p, name, new))
            for p in prompts
        ]
    saved = _write(transfer, copies)
    note = transfer.message or f"Move {name} to {transfer.target.paths.vault}:{new}"
    delete_prompts(transfer.source, [prompt.name for prompt in prompts], note)
    return [Saved(each.prompt, Outcome.MOVED) for each in saved]


def _name(prompt: Prompt, given: str, new: str) -> str:
    """Return the name in the other vault; if *new* is empty, it stays the same."""
    return new_name(prompt, given, new) if new else prompt.name


@contextmanager
def _reading(workspace: Workspace) -> Iterator[Reader]:
    paths = workspace.paths
    with reading(paths.database, paths.usage) as reader:
        yield reader


def _read(
    transfer: Transfer, reader: Reader, prompt: Prompt, version: Version, name: str
) -> _Copy:
    versions = [version]
    if transfer.history:
        older = (v for v in reader.versions(prompt) if v.number < version.number)
        versions = [*older, version]
    if not (transfer.allow_secrets or prompt.secrets_allowed):
        _refuse_secrets(prompt, versions)
    link = find_link(reader.connection)
    vault = link.vault if link else transfer.source.paths.vault
    place = f"{vault}/{prompt.id}@{version.id}"
    details = prompt.details._replace(favourite=False, secrets_allowed=False)
    return _Copy(validate_name(name), details, versions, Origin(_SOURCE, place))


def _refuse_secrets(prompt: Prompt, versions: list[Version]) -> None:
    types = {type_ for v in versions for type_ in secret_types(v.content)}
    types |= set(prompt.secrets)
    if types:
        raise PermissionDeniedError(
            f"{prompt.name} seems to hold a secret ({', '.join(sorted(types))}), so it"
            " stays in its vault: 'redact' removes it, --allow-secrets copies it."
        )


def _write(transfer: Transfer, copies: list[_Copy]) -> list[Saved]:
    """Add all copies in one transaction, or none."""
    target = transfer.target
    with prompt_transaction(target) as repository:
        return [_add(transfer, repository, copy) for copy in copies]


def _add(transfer: Transfer, repository: Repository, copy: _Copy) -> Saved:
    first, *later = copy.versions
    name, details, origin = copy.name, copy.details, copy.origin
    if repository.reader.find(name):
        taken = full_name(transfer.target.paths.vault, name)
        raise AlreadyExistsError(f"There is a prompt {taken!r} already.")
    if not transfer.history:
        note = transfer.message or f"Copy {name} from {transfer.source.paths.vault}"
        prompt = repository.add(name, first.content, details, note, origin)
        return Saved(prompt, Outcome.ADDED)
    past = _as_saved(repository, first)
    prompt = past.add(name, first.content, details, first.message, origin)
    for version in later:
        past = _as_saved(repository, version)
        prompt = past.add_version(prompt, version.content, version.message)
    return Saved(prompt, Outcome.ADDED)


def _as_saved(repository: Repository, version: Version) -> Repository:
    """Return a repository with the author and the time of *version*."""
    connection = repository.reader.connection
    return Repository(connection, version.author, version.created_at)
