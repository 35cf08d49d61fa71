"""What an importer hands over: candidate prompts, and the items it had to leave out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.offer import Offer
from promptvault.domain.variable import Variable


class Kind(StrEnum):
    """What sort of human text a candidate is."""

    PROMPT = "prompt"
    """A turn that a person typed or spoke."""
    INSTRUCTIONS = "instructions"
    """Standing instructions that a person wrote: custom, project or GPT."""


class Draft(NamedTuple):
    """One wording of a prompt: the text, and the message it came from."""

    body: str
    created_at: datetime | None = None
    """Aware UTC time of the message, None where the source has none."""
    message_id: str | None = None
    model: str | None = None
    """Name of the model that the message was sent to, where the source says it."""
    template: bool = False
    """True where `body` is one of our templates, translated from the source's own."""
    variables: tuple[Variable, ...] = ()


class Candidate(NamedTuple):
    """One prompt found in a source, oldest draft first; the last one is current.

    Several drafts mean that the person edited the message and sent it again.
    """

    drafts: tuple[Draft, ...]
    kind: Kind = Kind.PROMPT
    opening: bool = False
    """True for the first human turn of its conversation."""
    title: str | None = None
    """A title for the prompt itself, where the source has one (a project's name)."""
    conversation_id: str | None = None
    conversation_title: str | None = None
    url: str | None = None
    """Where the conversation can be opened again."""
    name: str | None = None
    """What the source calls it, as "work/review", where it keeps prompts by name."""
    description: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, int] = {}
    """Label to the number of a draft, from 1."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat or project of a source, with the prompts found in it.

    `skipped` counts human texts left out, by reason in a few plain words, such
    as ``{"abandoned branch": 2, "no text": 1}``.
    """

    candidates: tuple[Candidate, ...]
    skipped: dict[str, int] = field(default_factory=dict)


def unbranched(
    drafts: Iterable[Draft], key: str | None, title: str | None
) -> tuple[Candidate, ...]:
    """Return the prompts of a conversation that does not branch, in their order.

    *key* and *title* are those of the conversation.
    """
    return tuple(
        Candidate(
            (draft,),
            opening=position == 0,
            conversation_id=key,
            conversation_title=title,
        )
        for position, draft in enumerate(drafts)
    )


class Skipped(NamedTuple):
    """Human texts left out that belong to no conversation, and why."""

    reason: str
    """A few plain words, such as "no text" or "another Google product"."""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read, and why; the rest of the file goes on."""

    where: str
    """Where it stands: file, and position or id within it. No prompt text."""
    reason: str


Item = Conversation | Candidate | Skipped | Offer | Failure
"""A candidate by itself stands for a prompt kept in a list or a file of its own; an
offer comes from PromptVault's own exports, which say all about a prompt."""
Items = Iterator[Item]
