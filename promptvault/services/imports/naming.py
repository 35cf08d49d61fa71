"""From what an importer finds to what the vault is offered: names, titles, choice."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from promptvault.domain.name import slugify, validate_name
from promptvault.domain.offer import Offer, OfferedVersion
from promptvault.domain.prompt import Content, Origin, short_line, validate_tag
from promptvault.errors import InvalidInputError
from promptvault.importers.input.candidate import Candidate, Draft, Kind
from promptvault.secret_scan import redacted
from promptvault.services.imports.report import Options, Take

_TITLE_LENGTH = 80
_DESCRIPTION_LENGTH = 400
_NAME_DEPTH = 2
"""How many parts of a source's own name are kept."""
_PART_LENGTH = 60
_FOLDER_LENGTH = 60
"""The rest of a name's 200 characters is for what stands in the folder."""


class Offering:
    """How one import chooses and names prompts.

    Raises InvalidInputError when the folder or a tag asked for cannot be one.
    """

    def __init__(self, options: Options, now: datetime) -> None:
        self._options = options
        self._now = now
        self._tags = tuple(dict.fromkeys(map(validate_tag, options.tags)))
        self._folder = (options.folder or "").strip("/")
        if self._folder and len(validate_name(self._folder)) > _FOLDER_LENGTH:
            raise InvalidInputError(
                f"The folder of an import has {_FOLDER_LENGTH} characters at most."
            )

    def reason_against(self, candidate: Candidate) -> str | None:
        """Return why *candidate* is not wanted, None when it is."""
        options = self._options
        last = candidate.drafts[-1]
        if candidate.kind is Kind.PROMPT:
            if options.take is Take.SYSTEM:
                return "no instructions"
            if options.take is Take.FIRST and not _is_first(candidate):
                return "later turn"
        if options.since and last.created_at and last.created_at < options.since:
            return "before the date"
        if len(last.body) < options.min_chars:
            return "too short"
        return None

    def place(self, offer: Offer) -> Offer:
        """Return an offer that has a name of its own, with the options applied.

        Raises InvalidInputError when the name becomes too long.
        """
        name = f"{self._folder}/{offer.name}" if self._folder else offer.name
        tags = tuple(dict.fromkeys((*offer.tags, *self._tags)))
        # Nothing brought may be younger than the import: that is how an undo tells.
        updated_at = offer.updated_at and min(offer.updated_at, self._now)
        versions = [
            v._replace(created_at=v.created_at and min(v.created_at, self._now))
            for v in offer.versions
        ]
        return offer._replace(
            name=validate_name(name),
            tags=tags,
            updated_at=updated_at,
            versions=versions,
        )

    def offer_of(self, source: str, candidate: Candidate) -> Offer:
        """Return a candidate as a prompt with a name, a title and all its drafts."""
        versions = [
            self._version_of(source, candidate, draft, number)
            for number, draft in enumerate(candidate.drafts, 1)
        ]
        # A name and a title are shown where the text is not: no key may be in them.
        text = redacted(candidate.drafts[-1].body)
        return Offer(
            name=self._name_of(source, candidate, text),
            versions=versions,
            source=source,
            title=_title_of(candidate, self._options.take, text),
            description=short_line(
                redacted(candidate.description), _DESCRIPTION_LENGTH
            ),
            tags=tuple(dict.fromkeys((*_fit_tags(candidate.tags), *self._tags))),
            labels=candidate.labels,
        )

    def _version_of(
        self, source: str, candidate: Candidate, draft: Draft, number: int
    ) -> OfferedVersion:
        origin = Origin(
            source,
            candidate.conversation_id,
            _without_secrets(candidate.conversation_title or "") or None,
            _message_id(candidate, draft),
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
        return OfferedVersion(content, time, origin, message)

    def _name_of(self, source: str, candidate: Candidate, text: str) -> str:
        folder = self._folder or source
        if candidate.name and (path := _path(redacted(candidate.name))):
            return f"{folder}/{path}"
        title = _slug(candidate.title or candidate.conversation_title or "")
        if candidate.kind is Kind.INSTRUCTIONS:
            return f"{folder}/instructions/{title or slugify(text) or 'text'}"
        own = slugify(text) or "prompt"
        if self._options.take is Take.FIRST or _is_alone(candidate):
            return f"{folder}/{title or own}"
        return f"{folder}/{title}/{own}" if title else f"{folder}/{own}"


@lru_cache(maxsize=16)  # all prompts of a conversation bear its title
def _slug(title: str) -> str:
    return slugify(_without_secrets(title))


@lru_cache(maxsize=16)
def _without_secrets(title: str) -> str:
    return redacted(title)


def _title_of(candidate: Candidate, take: Take, text: str) -> str:
    title = candidate.title
    if take is Take.FIRST and candidate.kind is Kind.PROMPT:
        title = title or candidate.conversation_title
    return short_line(redacted(title) if title else text, _TITLE_LENGTH)


def _is_first(candidate: Candidate) -> bool:
    return candidate.opening or _is_alone(candidate)


def _is_alone(candidate: Candidate) -> bool:
    """Whether it is a prompt of a list or a file, not a turn of a conversation."""
    return not (candidate.conversation_id or candidate.conversation_title)


def _message_id(candidate: Candidate, draft: Draft) -> str | None:
    """Return the source's own id; a list's may be a line that somebody wrote."""
    key = draft.message_id
    if key and _is_alone(candidate) and redacted(key) != key:
        return sha256(key.encode()).hexdigest()
    return key


def _path(name: str) -> str:
    """Return a source's own name as one of ours, changed no more than it must be."""
    parts = list(filter(None, map(_part, name.split("/"))))
    return "/".join(parts[-_NAME_DEPTH:])


def _part(text: str) -> str:
    if len(text) <= _PART_LENGTH:
        with contextlib.suppress(InvalidInputError):
            return validate_name(text.lower())
    return slugify(text)


def _fit_tags(tags: Iterable[str]) -> Iterator[str]:
    for tag in tags:
        if redacted(tag) != tag:
            continue
        with contextlib.suppress(InvalidInputError):
            yield validate_tag("-".join(tag.split()))
