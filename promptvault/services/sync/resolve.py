"""Resolving conflicts: by one side, or by a text merged from both."""

from collections.abc import Mapping
from typing import NamedTuple

from promptvault.domain.merge import EditableState, merge
from promptvault.domain.name import validate_name
from promptvault.domain.prompt import Content, Details, Prompt
from promptvault.domain.variable import variables_to_mapping
from promptvault.errors import ConflictError, InvalidInputError
from promptvault.history.text_merge import merge_text
from promptvault.secret_scan import adds_secrets, details_text, secrets_in
from promptvault.services.prompts.prompt_document import parse_edited
from promptvault.services.prompts.template_syntax import is_valid_template
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.sync.conflict import Conflict, ConflictSide
from promptvault.services.workspace import Workspace
from promptvault.vault.repository import Repository
from promptvault.vault.sync.conflict_copy import conflict_copies, resolve_conflict_copy


class Resolution(NamedTuple):
    """The outcome of resolving a conflict."""

    prompt: Prompt
    is_changed: bool
    """Whether the prompt has changed; if not, only the conflict copy was removed."""
    kept: tuple[str, ...]
    """Fields in which both sides differed and the prompt was left unchanged."""
    more: int
    """The number of further conflict copies of the prompt."""


def resolve_with_side(
    workspace: Workspace, conflict: Conflict, chosen: ConflictSide
) -> Resolution:
    """Set the prompt to *chosen*, one of both sides.

    Raise ConflictError if the prompt has changed since it was read, or is in the trash.
    """
    with prompt_transaction(workspace) as repository:
        prompt = _unchanged_prompt(repository, conflict)
        return _Resolver(repository, conflict, prompt).choose(chosen)


def resolve_with_text(
    workspace: Workspace, conflict: Conflict, text: str
) -> Resolution:
    """Add *text* as the prompt's next version, and merge the other fields.

    Raise InvalidInputError, and ConflictError as `resolve_with_side` does.
    """
    content = parse_edited(conflict.current.version.content, text)
    with prompt_transaction(workspace) as repository:
        prompt = _unchanged_prompt(repository, conflict)
        return _Resolver(repository, conflict, prompt).write(content)


def require_not_trashed(conflict: Conflict) -> None:
    """Raise ConflictError if the prompt is in the trash."""
    if conflict.is_trashed:
        name = conflict.prompt.name
        raise ConflictError(
            f"{name} is in the trash: 'promptvault trash restore {name}' comes first."
        )


def _unchanged_prompt(repository: Repository, conflict: Conflict) -> Prompt:
    """Return the prompt; raise ConflictError if it has changed since it was read."""
    require_not_trashed(conflict)
    reader = repository.reader
    prompt = reader.by_id(conflict.prompt.id)
    known = conflict.prompt._replace(uses=0, used_at=None)  # a writer reads no uses
    open_ = {copy.rev for copy in conflict_copies(reader.connection, prompt.id)}
    if prompt != known or conflict.copy.rev not in open_:
        raise ConflictError(f"{known.name} was changed meanwhile: look at it again.")
    return prompt


class _Resolver:
    """Resolves one conflict, within the current transaction."""

    def __init__(
        self, repository: Repository, conflict: Conflict, prompt: Prompt
    ) -> None:
        self._repository, self._conflict, self._prompt = repository, conflict, prompt
        self._message = f"Resolve conflict: {prompt.name}"
        self._before = prompt

    def choose(self, chosen: ConflictSide) -> Resolution:
        return self._set(chosen, chosen.version.content, ())

    def write(self, content: Content) -> Resolution:
        merged, kept = _merged(self._conflict, content)
        return self._set(merged, content, kept)

    def _set(
        self, wanted: ConflictSide, content: Content, kept: tuple[str, ...]
    ) -> Resolution:
        if not self._may_be_called(wanted.name):
            wanted = wanted._replace(name=self._conflict.current.name)
            kept = (*kept, "name")
        self._write(content)
        self._describe(wanted)
        self._label(wanted.labels)
        return self._end(kept)

    def _may_be_called(self, name: str) -> bool:
        if name == self._conflict.current.name:
            return True
        try:
            return self._repository.reader.find(validate_name(name)) is None
        except InvalidInputError:
            return False

    def _write(self, content: Content) -> None:
        if content != self._conflict.current.version.content:
            add = self._repository.add_version
            self._prompt = add(self._prompt, content, self._message)

    def _describe(self, wanted: ConflictSide) -> None:
        current = self._conflict.current
        is_renamed = wanted.name != current.name
        if is_renamed or wanted.details != current.details:
            name = wanted.name if is_renamed else self._prompt.name
            change = (self._prompt, name, wanted.details)
            (self._prompt,) = self._repository.describe([change], self._message)

    def _label(self, wanted: Mapping[str, int]) -> None:
        repository, message = self._repository, self._message
        for label, number in wanted.items():
            if self._prompt.labels.get(label) != number:
                self._prompt = repository.label(self._prompt, label, number, message)
        for label in self._before.labels.keys() - wanted.keys():
            self._prompt = repository.remove_label(self._prompt, label, message)

    def _end(self, kept: tuple[str, ...]) -> Resolution:
        copy = self._conflict.copy
        resolve_conflict_copy(self._repository.reader.connection, copy)
        is_changed = self._prompt is not self._before
        prompt = self._repository.reader.by_id(copy.item)
        return Resolution(prompt, is_changed, kept, self._conflict.more)


def _merged(
    conflict: Conflict, content: Content
) -> tuple[ConflictSide, tuple[str, ...]]:
    """Return the merged prompt with *content*, and the fields that conflict."""
    other, current = (
        _state(side, content) for side in (conflict.other, conflict.current)
    )
    base = conflict.base
    before = _state(base, content) if base else _in_common(other, current)
    found = merge(before, other, current, merge_text, is_valid_template)
    kept = found.conflicts
    if kept:  # the prompt's own values stay
        own = {name: getattr(current, name) for name in kept}
        other_with_own = other._replace(**own)
        found = merge(before, other_with_own, current, merge_text, is_valid_template)
    merged = found.state or current
    is_new_secret = adds_secrets(conflict.current.version.content, content)
    is_new_secret = is_new_secret or not _are_allowed((other, current), merged)
    details = Details(
        merged.title,
        merged.description,
        merged.tags,
        merged.favourite,
        merged.secrets_allowed and not is_new_secret,
    )
    labels = {label: int(number) for label, number in merged.labels.items()}
    return ConflictSide(conflict.current.version, merged.name, details, labels), kept


def _state(side: ConflictSide, content: Content) -> EditableState:
    details = side.details
    return EditableState(
        name=side.name,
        title=details.title,
        description=details.description,
        tags=details.tags,
        favourite=details.favourite,
        secrets_allowed=details.secrets_allowed,
        labels={label: str(number) for label, number in side.labels.items()},
        body=content.body,
        template=content.template,
        variables=variables_to_mapping(content.variables),
    )


def _are_allowed(
    sides: tuple[EditableState, EditableState], merged: EditableState
) -> bool:
    """Return True if each secret in the merged details was allowed on some side."""
    allowed = (_secrets(each) for each in sides if each.secrets_allowed)
    return _secrets(merged) <= set[str]().union(*allowed)


def _secrets(state: EditableState) -> set[str]:
    words = (state.name, state.title, state.description, state.tags)
    return secrets_in(details_text(*words))


def _in_common(one: EditableState, other: EditableState) -> EditableState:
    """Return the common content of two states, as their base if none is known."""
    return one._replace(
        title=_same(one.title, other.title),
        description=_same(one.description, other.description),
        tags=tuple(tag for tag in one.tags if tag in other.tags),
        favourite=one.favourite and other.favourite,
        secrets_allowed=one.secrets_allowed and other.secrets_allowed,
        labels={k: v for k, v in one.labels.items() if other.labels.get(k) == v},
        name=_same(one.name, other.name),
    )


def _same(one: str, other: str) -> str:
    return one if one == other else ""
