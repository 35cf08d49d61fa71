"""Changes of prompts: add, edit, set, move, copy, revert, label, delete, restore."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from promptvault.domain.name import leaf_of, own_name, parse_reference, validate_name
from promptvault.domain.prompt import (
    Content,
    Details,
    Origin,
    Prompt,
    validate_line,
    validate_tag,
)
from promptvault.domain.revision import validate_new_label
from promptvault.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from promptvault.secret_scan import adds_secrets, details_text, secrets_in
from promptvault.services.evaluation.label_gate import require_passed
from promptvault.services.prompts.outcome import Outcome, Saved
from promptvault.services.prompts.prompt_document import (
    DetailChanges,
    PromptDocument,
    parse_edited,
)
from promptvault.services.prompts.retrieval import resolve
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.workspace import Workspace
from promptvault.vault.activity.upkeep import delete_activity
from promptvault.vault.reader import Reader, Selection
from promptvault.vault.repository import Repository
from promptvault.vault.sync.team import locked_labels


def add_prompt(
    workspace: Workspace,
    name: str,
    document: PromptDocument,
    fields: DetailChanges,
    *,
    message: str | None = None,
    upsert: bool = False,
    origin: Origin | None = None,
) -> Saved:
    """Save a new prompt; with *upsert*, a new version if the name is taken.

    *fields* override the details in the document; *origin* is where a new prompt comes
    from. Raises InvalidInputError, and AlreadyExistsError without *upsert*.
    """
    name = validate_name(name)
    details = fields.applied_to(document.fields.applied_to(Details()))
    with prompt_transaction(workspace) as repository:
        existing = repository.reader.find(name) if upsert else None
        if existing is None:
            note = _message(message, f"Add {name}")
            prompt = repository.add(name, document.content, details, note, origin)
            return Saved(prompt, Outcome.ADDED)
        details = fields.applied_to(document.fields.applied_to(existing.details))
        return _change(repository, existing, document.content, details, message)


def edit_prompt(
    workspace: Workspace, base: Prompt, before: Content, text: str, message: str | None
) -> Saved:
    """Make *text*, the edited content *before* of *base*, the next version.

    Raises InvalidInputError, and ConflictError if the prompt got another version since.
    """
    return save_over(workspace, base, parse_edited(before, text), message)


def save_over(
    workspace: Workspace, base: Prompt, content: Content, message: str | None
) -> Saved:
    """Make *content*, which is based on *base*, the next version.

    Raises ConflictError if the prompt got another version since *base* was read.
    """
    with prompt_transaction(workspace) as repository:
        prompt = repository.reader.by_id(base.id)
        if prompt.version_id != base.version_id or prompt.deleted_at:
            raise ConflictError(f"{base.name} was changed while you were editing it.")
        return _change(repository, prompt, content, prompt.details, message)


def change_details(
    workspace: Workspace,
    name: str,
    fields: DetailChanges,
    *,
    untag: Sequence[str] = (),
    template: bool | None = None,
    message: str | None = None,
) -> Saved:
    """Change the details of a prompt; new tags are added to the existing ones.

    A change of `template` makes a new version, because it changes what `get` prints.
    Raises NotFoundError, InvalidInputError.
    """
    with prompt_transaction(workspace) as repository:
        prompt = repository.reader.get(name)
        removed = set(map(validate_tag, untag))
        kept = tuple(tag for tag in prompt.tags if tag not in removed)
        tags = (*kept, *(fields.tags or ()))
        details = replace(fields, tags=tags).applied_to(prompt.details)
        content = repository.reader.current(prompt).content
        if template is not None:
            content = content._replace(template=template)
        return _change(repository, prompt, content, details, message)


def _change(
    repository: Repository,
    prompt: Prompt,
    content: Content,
    details: Details,
    message: str | None,
) -> Saved:
    outcome = Outcome.UNCHANGED
    before = repository.reader.current(prompt).content
    if content != before:
        if adds_secrets(before, content):  # the new ones were never allowed
            details = details._replace(secrets_allowed=False)
        note = _message(message, f"Change {prompt.name}")
        prompt = repository.add_version(prompt, content, note)
        outcome = Outcome.CHANGED
    if details != prompt.details:
        if prompt.secrets_allowed and _adds_secrets_to_details(prompt, details):
            details = details._replace(secrets_allowed=False)
        note = _message(message, f"Describe {prompt.name}")
        prompt = repository.update(prompt, details, note)
        outcome = Outcome.CHANGED
    return Saved(prompt, outcome)


def _adds_secrets_to_details(prompt: Prompt, details: Details) -> bool:
    before, after = (
        secrets_in(details_text(prompt.name, each.title, each.description, each.tags))
        for each in (prompt.details, details)
    )
    return not after <= before


def move_prompts(
    workspace: Workspace, name: str, new: str, message: str | None = None
) -> list[Saved]:
    """Rename a prompt, or every prompt in a folder if *name* ends with '/'.

    If *new* ends with '/', it is a folder, and the last part of the name stays. Raises
    NotFoundError, InvalidInputError, AlreadyExistsError; nothing is renamed then.
    """
    with prompt_transaction(workspace) as repository:
        moves = _moves(repository, name, new)
        if all(prompt.name == target for prompt, target in moves):
            return [Saved(prompt, Outcome.UNCHANGED) for prompt, _ in moves]
        require_movable(repository.reader, *(prompt.labels for prompt, _ in moves))
        note = _message(message, f"Move {name} to {new}")
        return [Saved(p, Outcome.MOVED) for p in repository.move(moves, note)]


def _moves(repository: Repository, name: str, new: str) -> list[tuple[Prompt, str]]:
    prompts = find_prompts(repository.reader, [name])
    return [(p, _target(new_name(p, name, new), p)) for p in prompts]


def new_name(prompt: Prompt, name: str, new: str) -> str:
    """Return the name of a prompt after 'move NAME NEW', where both may be folders.

    If *new* is a folder, which ends with '/', the last part of the name stays.
    """
    if name.endswith("/"):
        start = f"{new.strip('/')}/".lstrip("/")
        return start + prompt.name[len(name) :]
    return new + leaf_of(prompt.name) if new.endswith("/") else new


def find_prompts(reader: Reader, names: Sequence[str]) -> list[Prompt]:
    """Return the prompts with these names, each once; 'FOLDER/' names all inside.

    Raises NotFoundError.
    """
    found: dict[str, Prompt] = {}
    for name in names:
        is_folder = name.endswith("/")
        prompts = _in_folder(reader, name) if is_folder else [reader.get(name)]
        found |= {prompt.id: prompt for prompt in prompts}
    return list(found.values())


def _in_folder(reader: Reader, name: str) -> list[Prompt]:
    prompts = list(reader.prompts(Selection(folder=name)))
    if not prompts or not name.strip("/"):
        raise NotFoundError(f"There is nothing in the folder {name!r}.")
    return prompts


def _target(name: str, prompt: Prompt) -> str:
    """Return *name* as a valid name for *prompt*, with its conflict suffix if any."""
    own = own_name(name, prompt.id)
    return validate_name(own) if own == name else validate_name(own) + name[len(own) :]


def copy_prompt(
    workspace: Workspace, reference: str, new: str, message: str | None = None
) -> Saved:
    """Save the content of ``NAME[@REV]`` as a new prompt.

    Raises NotFoundError, InvalidInputError, AlreadyExistsError.
    """
    with prompt_transaction(workspace) as repository:
        prompt, version = resolve(repository.reader, reference)
        target = new_name(prompt, reference, new)
        note = _message(message, f"Copy {reference} to {target}")
        details = prompt.details._replace(favourite=False, secrets_allowed=False)
        copied = repository.add(validate_name(target), version.content, details, note)
        return Saved(copied, Outcome.ADDED)


def revert_prompt(
    workspace: Workspace, reference: str, message: str | None = None
) -> Saved:
    """Make the content of an older version the next version.

    Raises NotFoundError, InvalidInputError.
    """
    if parse_reference(reference).revision is None:
        raise InvalidInputError("Say which version to go back to: NAME@REV.")
    with prompt_transaction(workspace) as repository:
        prompt, version = resolve(repository.reader, reference)
        note = _message(message, f"Revert {prompt.name} to version {version.number}")
        return _change(repository, prompt, version.content, prompt.details, note)


def set_label(
    workspace: Workspace,
    reference: str,
    name: str,
    message: str | None = None,
    *,
    require_eval: bool = False,
) -> Saved:
    """Set the label *name* on the version ``NAME[@REV]``.

    Raises NotFoundError, InvalidInputError; with *require_eval*, also ConflictError if
    the version has not passed its evaluation.
    """
    name = validate_new_label(name)
    with prompt_transaction(workspace) as repository:
        prompt, version = resolve(repository.reader, reference)
        if require_eval:
            require_passed(workspace.paths.activity, prompt, version)
        if prompt.labels.get(name) == version.number:
            return Saved(prompt, Outcome.UNCHANGED)
        require_movable(repository.reader, [name])
        note = _message(message, f"Label {prompt.name}@{version.number} {name}")
        prompt = repository.label(prompt, name, version.number, note)
        return Saved(prompt, Outcome.CHANGED)


def remove_label(
    workspace: Workspace, reference: str, name: str, message: str | None = None
) -> Saved:
    """Remove the label *name* from a prompt; raises NotFoundError."""
    with prompt_transaction(workspace) as repository:
        prompt = repository.reader.get(parse_reference(reference).name)
        if name not in prompt.labels:
            raise NotFoundError(f"{prompt.name} has no label {name!r}.")
        require_movable(repository.reader, [name])
        note = _message(message, f"Remove label {name} from {prompt.name}")
        return Saved(repository.remove_label(prompt, name, note), Outcome.CHANGED)


def delete_prompts(
    workspace: Workspace, names: Sequence[str], message: str | None = None
) -> list[Saved]:
    """Move prompts to the trash in one commit, all or none.

    A name with a trailing '/' means every prompt in that folder. Raises NotFoundError.
    """
    with prompt_transaction(workspace) as repository:
        prompts = find_prompts(repository.reader, names)
        require_movable(repository.reader, *(prompt.labels for prompt in prompts))
        note = _message(message, _counted("Delete", prompts))
        return [Saved(p, Outcome.DELETED) for p in repository.trash(prompts, note)]


def restore_prompt(workspace: Workspace, name: str, new: str | None = None) -> Saved:
    """Restore a prompt from the trash, under its old name or as *new*.

    Raises NotFoundError, InvalidInputError, AlreadyExistsError.
    """
    with prompt_transaction(workspace) as repository:
        prompt = repository.reader.trashed(name)
        target = validate_name(new) if new else prompt.name
        note = f"Restore {target}"
        return Saved(repository.restore(prompt, target, note), Outcome.RESTORED)


def purge_trash(workspace: Workspace) -> int:
    """Delete everything in the trash permanently; return the number of prompts."""
    with prompt_transaction(workspace) as repository:
        prompts = list(repository.reader.prompts(Selection(trashed=True)))
        if prompts:
            delete_activity(workspace.paths.activity, (prompt.id for prompt in prompts))
            repository.purge(prompts, "Empty the trash")
        return len(prompts)


def require_movable(reader: Reader, *labels: Iterable[str]) -> None:
    """Raise PermissionDeniedError if the user may not move one of *labels*."""
    locked = locked_labels(reader.connection)
    for label in sorted(set[str]().union(*labels).intersection(locked)):
        raise PermissionDeniedError(
            f"Only admins of the team may move the label {label!r}, or rename or delete"
            " a prompt that has it."
        )


def _counted(verb: str, prompts: Sequence[Prompt]) -> str:
    one = len(prompts) == 1
    return f"{verb} {prompts[0].name}" if one else f"{verb} {len(prompts)} prompts"


def _message(given: str | None, default: str) -> str:
    return (validate_line(given, "message") if given else "") or default
