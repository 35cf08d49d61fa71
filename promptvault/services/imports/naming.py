"""Turns what importers yield into prompts: selects, redacts, names and titles."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from promptvault.domain.imported_prompt import ImportedPrompt, ImportedVersion
from promptvault.domain.name import slugify, validate_name
from promptvault.domain.prompt import Content, Origin, short_line, validate_tag
from promptvault.errors import InvalidInputError
from promptvault.importers.conversation.command import SLASH_COMMAND
from promptvault.importers.input.candidate import (
    Candidate,
    CandidateKind,
    Draft,
    Failure,
    Item,
    Skipped,
)
from promptvault.secret_scan import redacted, scan_content
from promptvault.services.imports.report import ImportOptions, Take

_TITLE_LENGTH = 80
_DESCRIPTION_LENGTH = 400
_NAME_DEPTH = 2
"""How many parts of the source's own name are kept."""
_PART_LENGTH = 60
_FOLDER_LENGTH = 60
"""The rest of the 200 characters of a name is for what follows the folder."""


class Built(NamedTuple):
    """The prompts of one item, and what was left out of it."""

    prompts: Sequence[ImportedPrompt] = ()
    skipped: Mapping[str, int] = {}
    """Reason to number of texts."""
    failure: Failure | None = None
    conversations: int = 0
    is_refused: bool = False
    """True if other options may accept the prompt that failed."""


class PromptBuilder:
    """Builds the prompts of one import.

    Raises InvalidInputError if the folder or a tag in *options* is not valid, or if
    *options* name kinds and exclude all but instructions.
    """

    def __init__(self, options: ImportOptions, now: datetime) -> None:
        """*now* is the time of the import: no version is younger."""
        self._options = options
        self._now = now
        if options.only and options.take is Take.SYSTEM:
            raise InvalidInputError(
                "Instructions only, and other kinds: give --take first or --take all"
                " with --kind."
            )
        self._tags = tuple(dict.fromkeys(map(validate_tag, options.tags)))
        self._folder = (options.folder or "").strip("/")
        if self._folder and len(validate_name(self._folder)) > _FOLDER_LENGTH:
            raise InvalidInputError(
                f"The folder of an import has {_FOLDER_LENGTH} characters at most."
            )

    def build(self, source: str, item: Item) -> Built:
        """Return the prompts that the options take of *item*."""
        match item:
            case Failure():
                return Built(failure=item)
            case Skipped():
                return Built(skipped={item.reason: item.number})
            case ImportedPrompt():
                return self._exported(item)
            case Candidate():
                return self._taken(source, [item], {})
            case _:
                built = self._taken(source, item.candidates, item.skipped)
                return built._replace(conversations=1)

    def _exported(self, prompt: ImportedPrompt) -> Built:
        try:
            return Built([self.from_export(prompt)])
        except InvalidInputError as error:
            failure = Failure(prompt.name, str(error))
            # In another folder the name may be short enough.
            return Built(failure=failure, is_refused=True)

    def _taken(
        self, source: str, candidates: Iterable[Candidate], skipped: Mapping[str, int]
    ) -> Built:
        prompts = []
        reasons = Counter(skipped)
        for candidate in candidates:
            if reason := self.skip_reason(candidate):
                reasons[reason] += 1
            else:
                prompts.append(self.from_candidate(source, candidate))
        return Built(prompts, reasons)

    def skip_reason(self, candidate: Candidate) -> str | None:
        """Return why the options exclude *candidate*, None if they do not."""
        options = self._options
        last = candidate.drafts[-1]
        is_prompt = candidate.kind is CandidateKind.PROMPT
        if candidate.kind not in options.kinds:
            return _other_kind(candidate.kind, options.take)
        if is_prompt and options.take is Take.FIRST and not _is_first(candidate):
            return "later turn"
        if options.since and last.created_at and last.created_at < options.since:
            return "before the date"
        if len(last.body) < options.min_chars:
            return "too short"
        return None

    def from_export(self, prompt: ImportedPrompt) -> ImportedPrompt:
        """Return a prompt of our own export with the options applied.

        Raises InvalidInputError if the name becomes too long.
        """
        name = f"{self._folder}/{prompt.name}" if self._folder else prompt.name
        tags = tuple(dict.fromkeys((*prompt.tags, *self._tags)))
        # An undo treats anything younger than the import as a later change.
        updated_at = prompt.updated_at and min(prompt.updated_at, self._now)
        versions = [
            v._replace(created_at=v.created_at and min(v.created_at, self._now))
            for v in prompt.versions
        ]
        return prompt._replace(
            name=validate_name(name),
            tags=tags,
            updated_at=updated_at,
            versions=versions,
        )

    def from_candidate(self, source: str, candidate: Candidate) -> ImportedPrompt:
        """Return *candidate* as a prompt with a name, a title and all its versions."""
        candidate = _redact(candidate)
        versions = [
            self._version(source, candidate, draft, number)
            for number, draft in enumerate(candidate.drafts, 1)
        ]
        text = candidate.drafts[-1].body
        scan = versions[-1].scan
        if not scan or scan.secrets:
            text = redacted(text)
        return ImportedPrompt(
            name=self._name(source, candidate, text),
            versions=versions,
            source=source,
            title=_title(candidate, self._options.take, text),
            description=short_line(candidate.description, _DESCRIPTION_LENGTH),
            tags=tuple(dict.fromkeys((*_valid_tags(candidate.tags), *self._tags))),
            labels=candidate.labels,
        )

    def _version(
        self, source: str, candidate: Candidate, draft: Draft, number: int
    ) -> ImportedVersion:
        origin = Origin(
            source,
            candidate.conversation_id,
            candidate.conversation_title or None,
            draft.message_id,
            draft.model,
            draft.created_at,
            candidate.url,
        )
        count = len(candidate.drafts)
        message = f"Import from {source}"
        if number < count:
            message = f"Draft {number} of {count} from {source}"
        time = min(draft.created_at, self._now) if draft.created_at else None
        content = Content(draft.body, draft.template, draft.variables)
        return ImportedVersion(
            content,
            time,
            origin,
            message,
            scan=scan_content(content),
        )

    def _name(self, source: str, candidate: Candidate, text: str) -> str:
        folder = self._folder or source
        if candidate.name and (path := _path(candidate.name)):
            return f"{folder}/{path}"
        title = _slug(candidate.title or candidate.conversation_title or "")
        if candidate.kind is CandidateKind.INSTRUCTIONS:
            return f"{folder}/instructions/{title or slugify(text) or 'text'}"
        own = slugify(text) or "prompt"
        is_command = candidate.kind is CandidateKind.COMMAND
        is_only = self._options.take is Take.FIRST and not is_command
        if is_only or _is_standalone(candidate):
            return f"{folder}/{title or own}"
        return f"{folder}/{title}/{own}" if title else f"{folder}/{own}"


def _redact(candidate: Candidate) -> Candidate:
    """Return *candidate* without secrets in all that is shown without its text.

    The texts stay as they are: the vault marks a prompt whose text holds a secret.
    """
    drafts = candidate.drafts
    if _is_standalone(candidate):  # its ids may be lines that a person wrote
        drafts = tuple(map(_with_safe_id, drafts))
    return candidate._replace(
        drafts=drafts,
        title=_redacted_title(candidate.title or ""),
        conversation_title=_redacted_title(candidate.conversation_title or ""),
        name=redacted(candidate.name or ""),
        description=redacted(candidate.description),
        tags=tuple(tag for tag in candidate.tags if redacted(tag) == tag),
    )


def _with_safe_id(draft: Draft) -> Draft:
    key = draft.message_id
    if not key or redacted(key) == key:
        return draft
    return draft._replace(message_id=sha256(key.encode()).hexdigest())


@lru_cache(maxsize=16)  # all prompts of a conversation have its title
def _redacted_title(title: str) -> str:
    return redacted(title)


@lru_cache(maxsize=16)
def _slug(title: str) -> str:
    return slugify(title)


def _title(candidate: Candidate, take: Take, text: str) -> str:
    title = candidate.title
    if take is Take.FIRST and candidate.kind is CandidateKind.PROMPT:
        title = title or candidate.conversation_title
    return short_line(title or text, _TITLE_LENGTH)


def _other_kind(kind: CandidateKind, take: Take) -> str:
    if take is Take.SYSTEM:
        return "no instructions"
    return SLASH_COMMAND if kind is CandidateKind.COMMAND else "another kind of text"


def _is_first(candidate: Candidate) -> bool:
    return candidate.opening or _is_standalone(candidate)


def _is_standalone(candidate: Candidate) -> bool:
    """Return True for a prompt from a list or a file, False for a turn of a chat."""
    return not (candidate.conversation_id or candidate.conversation_title)


def _path(name: str) -> str:
    """Return a valid name for the source's *name*, changed as little as possible."""
    parts = list(filter(None, map(_part, name.split("/"))))
    return "/".join(parts[-_NAME_DEPTH:])


def _part(text: str) -> str:
    if len(text) <= _PART_LENGTH:
        with contextlib.suppress(InvalidInputError):
            return validate_name(text.lower())
    return slugify(text)


def _valid_tags(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        with contextlib.suppress(InvalidInputError):
            yield validate_tag("-".join(tag.split()))
