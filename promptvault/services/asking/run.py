"""Running a prompt: filled in, sent to a model, what came back kept in the run log."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from promptvault.domain.chat import Answer, Message, Request, Role, Usage
from promptvault.domain.prompt import Prompt, Version
from promptvault.errors import InvalidInputError, PromptVaultError, VaultError
from promptvault.services.asking.model import AnswerInterrupted, IncompleteError, Model
from promptvault.services.asking.secret_check import refuse_secrets
from promptvault.services.prompts import retrieval
from promptvault.services.workspace import Workspace
from promptvault.vault.activity.runs import Run, RunStatus, add_run
from promptvault.vault.reader import Reader
from promptvault.vault.usage import count_use

Values = Mapping[str, str]
ReadStdin = Callable[[], str | None]
"""Reads what is piped in, None without a pipe."""


class RunOptions(NamedTuple):
    """What is to be run, and how."""

    reference: str
    """NAME or NAME@REV."""
    values: Values
    system: str | None = None
    """NAME or NAME@REV of the prompt that is the system message."""
    temperature: float | None = None
    max_tokens: int | None = None
    allow_secrets: bool = False


class PreparedRun(NamedTuple):
    """A prompt made into what a model is sent."""

    prompt: Prompt
    version: Version
    system: Version | None
    request: Request


class FinishedRun(NamedTuple):
    """A run that came to its end."""

    id: int | None
    """Its number in the run log; None where that could not be written."""
    run: Run
    text: str


def prepare_run(reader: Reader, order: RunOptions, read: ReadStdin) -> PreparedRun:
    """Return what *order* sends to a model.

    What is piped in fills `{{ stdin }}`. Where no template has that, it is the user's
    message and the prompt the system's; or, when the order names a system message, it
    follows the prompt. Raises InvalidInputError, NotFoundError, PermissionDeniedError.
    """
    prompt, version = retrieval.resolve(reader, order.reference)
    pipe = _Pipe(read, is_taken="stdin" in order.values)
    values, system_values = _shared(reader, order)
    system, instructions = None, ""
    if order.system is not None:
        chief, system = retrieval.resolve(reader, order.system)
        instructions = _text(reader, chief, system, system_values, pipe)
        refuse_secrets(chief, system.content, instructions, allowed=order.allow_secrets)
    text = _text(reader, prompt, version, values, pipe)
    piped = pipe.rest()
    refuse_secrets(
        prompt, version.content, f"{text}\n{piped}", allowed=order.allow_secrets
    )
    messages = _messages(instructions, text, piped)
    request = Request(messages, order.temperature, order.max_tokens)
    return PreparedRun(prompt, version, system, request)


@dataclass
class _Pipe:
    """What is piped in, read once, and whether a template has taken it."""

    read: ReadStdin
    is_taken: bool

    @cached_property
    def _text(self) -> str | None:
        return self.read()

    def take(self) -> str | None:
        """Return it to a template."""
        self.is_taken = True
        return self._text

    def rest(self) -> str:
        """Return what no template has taken, '' where that is nothing but space."""
        text = "" if self.is_taken else self._text or ""
        return "" if text.isspace() else text


def _shared(reader: Reader, order: RunOptions) -> tuple[Values, Values]:
    """Return which values the prompt gets, and which its system message.

    Those that neither knows go to the prompt, which refuses them.
    """
    if order.system is None or not order.values:
        return order.values, {}
    own = _variables(reader, order.reference)
    other = _variables(reader, order.system)
    values = order.values.items()
    return (
        {name: value for name, value in values if name in own or name not in other},
        {name: value for name, value in values if name in other},
    )


def _variables(reader: Reader, reference: str) -> set[str]:
    details = retrieval.describe(reader, reference)
    is_template = details.version.content.template
    return {v.name for v in details.variables} if is_template else set()


def _text(
    reader: Reader, prompt: Prompt, version: Version, values: Values, pipe: _Pipe
) -> str:
    text = retrieval.text_of(reader, prompt, version, values, pipe.take)
    if not text.strip():
        raise InvalidInputError(
            f"{prompt.name} is empty when it is filled in; nothing was sent."
        )
    return text


def _messages(instructions: str, text: str, piped: str) -> tuple[Message, ...]:
    if instructions:
        text = f"{text.rstrip()}\n\n{piped}" if piped else text
        return Message(Role.SYSTEM, instructions), Message(Role.USER, text)
    if piped:
        return Message(Role.SYSTEM, text), Message(Role.USER, piped)
    return (Message(Role.USER, text),)


def run_prompt(
    workspace: Workspace,
    model: Model,
    composed: PreparedRun,
    tell: Callable[[str], None],
    on_text: Callable[[str], None] | None = None,
) -> FinishedRun:
    """Send a prompt, hand the answer to *on_text* as it comes, and return it whole.

    Without *on_text* it is asked for in one piece. However it ends, it is kept in the
    run log; *tell* hears when it could not be. Raises what `Model.stream` raises.
    """
    attempt = _Attempt(workspace, model, composed, tell)
    request = composed.request
    try:
        answer = model.stream(request, on_text) if on_text else model.ask(request)
    except IncompleteError as error:
        attempt.keep(RunStatus.BROKEN, error.answer, error.code)
        raise
    except AnswerInterrupted as stop:
        attempt.keep(RunStatus.INTERRUPTED, stop.answer)
        raise
    except (KeyboardInterrupt, OSError):
        attempt.keep(RunStatus.INTERRUPTED, attempt.nothing())
        raise
    except PromptVaultError as error:
        attempt.keep(RunStatus.FAILED, attempt.nothing(), error.code)
        raise
    return attempt.keep(RunStatus.DONE, answer)


@dataclass
class _Attempt:
    """A run under way."""

    workspace: Workspace
    model: Model
    composed: PreparedRun
    tell: Callable[[str], None]
    start: float = field(default_factory=time.monotonic)
    created_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.created_at = self.workspace.now()

    def nothing(self) -> Answer:
        """Return what stands for an answer that never began."""
        seconds = time.monotonic() - self.start
        endpoint = self.model.endpoints[0]
        usage = Usage(0, 0)
        return Answer("", endpoint.model, endpoint.public_url, usage, None, seconds)

    def keep(
        self, status: RunStatus, answer: Answer, error: str | None = None
    ) -> FinishedRun:
        """Count the use and write the log."""
        run, paths = self._run(status, answer, error), self.workspace.paths
        if status is not RunStatus.FAILED:
            count_use(paths.usage, run.prompt_id, self.created_at)
        try:
            number = add_run(paths.activity, run, answer.text)
        except VaultError as problem:
            self.tell(f"This run is not in the run log. {problem}")
            number = None
        return FinishedRun(number, run, answer.text)

    def _run(self, status: RunStatus, answer: Answer, error: str | None) -> Run:
        prompt, version, system, _ = self.composed
        return Run(
            prompt_id=prompt.id,
            version_id=version.id,
            version=version.number,
            system_version_id=system.id if system else None,
            created_at=self.created_at,
            status=status,
            error=error,
            model=answer.model,
            endpoint=answer.endpoint,
            cached=answer.cached,
            is_cut=answer.is_cut,
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            tokens_estimated=answer.usage.is_estimate,
            cost=answer.cost,
            seconds=0.0 if answer.cached else round(answer.seconds, 3),
            first_seconds=answer.first_seconds and round(answer.first_seconds, 3),
        )
