"""The items that an importer yields: prompts, and what was left out or damaged."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from promptvault.domain.imported_prompt import ImportedPrompt
from promptvault.domain.variable import Variable

EMPTY_CONVERSATION = "empty conversation"
NO_TEXT = "no text"
NOT_TYPED = "not typed by a person"
"""The reason for leaving out what a program wrote in a person's name. It is counted
only if there is nothing else in a conversation; see `without_person`."""


class CandidateKind(StrEnum):
    """The kind of a human text."""

    PROMPT = "prompt"
    """A message that a person typed or spoke."""
    COMMAND = "command"
    """A slash command that a person typed with arguments of its own."""
    INSTRUCTIONS = "instructions"
    """Custom, project or GPT instructions that a person wrote."""


class Draft(NamedTuple):
    """One version of a prompt: the text, and the message it is from."""

    body: str
    created_at: datetime | None = None
    """Aware UTC time of the message, None if the source has none."""
    message_id: str | None = None
    model: str | None = None
    """Name of the model that the message was sent to, None if not known."""
    template: bool = False
    """True if `body` is a template of ours, translated from the source's own syntax."""
    variables: tuple[Variable, ...] = ()
    is_command: bool = False
    """True for a slash command with arguments; see `conversation_candidates`."""


class Candidate(NamedTuple):
    """One prompt, with its drafts oldest first; the last one is current.

    Several drafts mean that the person edited the message and sent it again.
    """

    drafts: tuple[Draft, ...]
    kind: CandidateKind = CandidateKind.PROMPT
    opening: bool = False
    """True for the first human message of its conversation that is no command."""
    title: str | None = None
    """Title of the prompt itself, such as the name of a project."""
    conversation_id: str | None = None
    conversation_title: str | None = None
    url: str | None = None
    """Address of the conversation."""
    name: str | None = None
    """The source's name of the prompt, such as "work/review"."""
    description: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, int] = {}
    """Label to number of a draft; the first is 1."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One chat or project, with the prompts in it.

    `skipped` counts human texts left out, by a reason in a few plain words, such as
    ``{"abandoned branch": 2, "no text": 1}``.
    """

    candidates: tuple[Candidate, ...]
    skipped: dict[str, int] = field(default_factory=dict)


def without_person(chat: Conversation, number: int) -> Conversation:
    """Return *chat*, and if it is empty say why.

    *number* is the number of messages in a person's name that no person typed.
    """
    is_empty = not chat.candidates and chat.skipped.keys() <= {EMPTY_CONVERSATION}
    return Conversation((), {NOT_TYPED: number}) if is_empty and number else chat


def conversation_candidates(
    turns: Iterable[tuple[Draft, ...]],
    key: str | None,
    title: str | None,
    url: str | None = None,
) -> tuple[Candidate, ...]:
    """Return the prompts and commands of a conversation, in order.

    Each turn is the drafts of one message. *key*, *title* and *url* identify the
    conversation. The first prompt is the opening, even if a command comes before it.
    """
    found = []
    is_open = False
    for drafts in turns:
        is_command = drafts[-1].is_command
        found.append(
            Candidate(
                drafts,
                CandidateKind.COMMAND if is_command else CandidateKind.PROMPT,
                opening=not (is_command or is_open),
                conversation_id=key,
                conversation_title=title,
                url=url,
            )
        )
        is_open = is_open or not is_command
    return tuple(found)


def linear_candidates(
    drafts: Iterable[Draft], key: str | None, title: str | None
) -> tuple[Candidate, ...]:
    """Return the prompts of a conversation without branches, in order.

    *key* and *title* are the id and the title of the conversation.
    """
    return conversation_candidates(((draft,) for draft in drafts), key, title)


class Skipped(NamedTuple):
    """Human texts left out that belong to no conversation."""

    reason: str
    """A few plain words, such as "no text" or "another Google product"."""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read; the rest of the file is read."""

    where: str
    """File, and position or id within it. No prompt text."""
    reason: str


Item = Conversation | Candidate | Skipped | ImportedPrompt | Failure
"""A Candidate by itself is a prompt from a list or a file; an ImportedPrompt comes from
our own exports, which hold everything about a prompt."""
Items = Iterator[Item]
