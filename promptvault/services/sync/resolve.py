"""Settling what sync could not merge: one side, or a text made of both."""

from collections.abc import Mapping
from typing import NamedTuple

from promptvault.domain.merge import State, merge
from promptvault.domain.name import validate_name
from promptvault.domain.prompt import Content, Details, Prompt
from promptvault.domain.variable import variables_to_mapping
from promptvault.errors import ConflictError, InvalidInputError
from promptvault.history.text_merge import merge_text
from promptvault.secret_scan import adds_secrets, details_text, secrets_in
from promptvault.services.prompts.prompt_document import parse_edited
from promptvault.services.prompts.template_syntax import is_valid_template
from promptvault.services.prompts.transaction import prompt_transaction
from promptvault.services.sync.conflict import Conflict, Wording
from promptvault.services.workspace import Workspace
from promptvault.vault.repository import Repository
from promptvault.vault.sync.conflict_copy import resolve_side, sides


class Settled(NamedTuple):
    """What came of settling a conflict."""

    prompt: Prompt
    is_changed: bool
    """Whether the prompt is another now; else nothing but the conflict has gone."""
    kept: tuple[str, ...]
    """In what both differed and the prompt stayed as it was."""
    waiting: int
    """How many more lie beside the same prompt."""


def settle(workspace: Workspace, conflict: Conflict, chosen: Wording) -> Settled:
    """Make the prompt what *chosen* is, one of both sides.

    Raises ConflictError where the prompt was changed meanwhile, or is in the trash.
    """
    with prompt_transaction(workspace) as repository:
        prompt = _standing(repository, conflict)
        return _Settling(repository, conflict, prompt).choose(chosen)


def settle_with(workspace: Workspace, conflict: Conflict, text: str) -> Settled:
    """Make *text* the prompt's next version; what else differs is merged.

    Raises InvalidInputError, and ConflictError as `settle` does.
    """
    content = parse_edited(conflict.present.version.content, text)
    with prompt_transaction(workspace) as repository:
        prompt = _standing(repository, conflict)
        return _Settling(repository, conflict, prompt).write(content)


def require_present(conflict: Conflict) -> None:
    """Raise ConflictError where the prompt is in the trash."""
    if conflict.is_trashed:
        name = conflict.prompt.name
        raise ConflictError(
            f"{name} is in the trash: 'promptvault trash restore {name}' comes first."
        )


def _standing(repository: Repository, conflict: Conflict) -> Prompt:
    """Return the prompt, given that the conflict is as it was when it was shown."""
    require_present(conflict)
    reader = repository.reader
    prompt = reader.by_id(conflict.prompt.id)
    known = conflict.prompt._replace(uses=0, used_at=None)  # a writer does not see them
    open_ = {side.rev for side in sides(reader.connection, prompt.id)}
    if prompt != known or conflict.side.rev not in open_:
        raise ConflictError(f"{known.name} was changed meanwhile: look at it again.")
    return prompt


class _Settling:
    """A conflict that is settled within the transaction under way."""

    def __init__(
        self, repository: Repository, conflict: Conflict, prompt: Prompt
    ) -> None:
        self._repository, self._conflict, self._prompt = repository, conflict, prompt
        self._message = f"Resolve conflict: {prompt.name}"
        self._before = prompt

    def choose(self, chosen: Wording) -> Settled:
        return self._become(chosen, chosen.version.content, ())

    def write(self, content: Content) -> Settled:
        merged, kept = _merged(self._conflict, content)
        return self._become(merged, content, kept)

    def _become(
        self, wanted: Wording, content: Content, kept: tuple[str, ...]
    ) -> Settled:
        if not self._may_be_called(wanted.name):
            wanted = wanted._replace(name=self._conflict.present.name)
            kept = (*kept, "name")
        self._write(content)
        self._describe(wanted)
        self._label(wanted.labels)
        return self._end(kept)

    def _may_be_called(self, name: str) -> bool:
        if name == self._conflict.present.name:
            return True
        try:
            return self._repository.reader.find(validate_name(name)) is None
        except InvalidInputError:
            return False

    def _write(self, content: Content) -> None:
        if content != self._conflict.present.version.content:
            add = self._repository.add_version
            self._prompt = add(self._prompt, content, self._message)

    def _describe(self, wanted: Wording) -> None:
        present = self._conflict.present
        is_renamed = wanted.name != present.name
        if is_renamed or wanted.details != present.details:
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

    def _end(self, kept: tuple[str, ...]) -> Settled:
        side = self._conflict.side
        resolve_side(self._repository.reader.connection, side)
        is_changed = self._prompt is not self._before
        prompt = self._repository.reader.by_id(side.item)
        return Settled(prompt, is_changed, kept, self._conflict.waiting)


def _merged(conflict: Conflict, content: Content) -> tuple[Wording, tuple[str, ...]]:
    """Return what the prompt is to be with *content*, and what could not be merged."""
    beside, present = (
        _state(wording, content) for wording in (conflict.beside, conflict.present)
    )
    base = conflict.base
    before = _state(base, content) if base else _in_common(beside, present)
    found = merge(before, beside, present, merge_text, is_valid_template)
    kept = found.conflicts
    if kept:  # there the prompt stays as it is
        stays = {name: getattr(present, name) for name in kept}
        kept_beside = beside._replace(**stays)
        found = merge(before, kept_beside, present, merge_text, is_valid_template)
    merged = found.state or present
    is_new_secret = adds_secrets(conflict.present.version.content, content)
    is_new_secret = is_new_secret or not _covers((beside, present), merged)
    details = Details(
        merged.title,
        merged.description,
        merged.tags,
        merged.favourite,
        merged.secrets_allowed and not is_new_secret,
    )
    labels = {label: int(number) for label, number in merged.labels.items()}
    return Wording(conflict.present.version, merged.name, details, labels), kept


def _state(wording: Wording, content: Content) -> State:
    details = wording.details
    return State(
        name=wording.name,
        title=details.title,
        description=details.description,
        tags=details.tags,
        favourite=details.favourite,
        secrets_allowed=details.secrets_allowed,
        labels={label: str(number) for label, number in wording.labels.items()},
        body=content.body,
        template=content.template,
        variables=variables_to_mapping(content.variables),
    )


def _covers(sides: tuple[State, State], merged: State) -> bool:
    """Tell whether each secret in what is said of the prompt was allowed out."""
    allowed = (_secrets(each) for each in sides if each.secrets_allowed)
    return _secrets(merged) <= set[str]().union(*allowed)


def _secrets(state: State) -> set[str]:
    words = (state.name, state.title, state.description, state.tags)
    return secrets_in(details_text(*words))


def _in_common(one: State, other: State) -> State:
    """Return what two states have in common, for want of a base."""
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
