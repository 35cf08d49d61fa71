"""`run`: a prompt is rendered, sent to a model, and recorded in the run log."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from promptvault.domain.chat import (
    LONGEST_TEXT,
    Answer,
    Message,
    Request,
    Role,
    Usage,
)
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
"""Returns the text on stdin, None if stdin is a terminal."""


class RunOptions(NamedTuple):
    """Which prompt to run, and how."""

    reference: str
    """NAME or NAME@REV."""
    values: Values
    system: str | None = None
    """NAME or NAME@REV of the prompt to send as the system message."""
    temperature: float | None = None
    max_tokens: int | None = None
    allow_secrets: bool = False


class PreparedRun(NamedTuple):
    """A prompt rendered into the request to send."""

    prompt: Prompt
    version: Version
    system: Version | None
    request: Request


class FinishedRun(NamedTuple):
    """A run that succeeded."""

    id: int | None
    """Its number in the run log; None if the log could not be written."""
    run: Run
    text: str


def prepare_run(
    reader: Reader, options: RunOptions, read_stdin: ReadStdin
) -> PreparedRun:
    """Return the request that *options* describe.

    Text on stdin fills `{{ stdin }}`. If no template uses that variable, the text
    becomes the user message and the prompt the system message; with a separate system
    prompt, the text is appended to the prompt. Raises InvalidInputError, NotFoundError,
    and PermissionDeniedError for a likely secret.
    """
    prompt, version = retrieval.resolve(reader, options.reference)
    return prepare_version(reader, prompt, version, options, read_stdin)


def prepare_version(
    reader: Reader,
    prompt: Prompt,
    version: Version,
    options: RunOptions,
    read_stdin: ReadStdin,
) -> PreparedRun:
    """Like `prepare_run`, for a *version* that need not be saved."""
    stdin = _Stdin(read_stdin, is_used="stdin" in options.values)
    values, system_values = _split_values(reader, options)
    system, instructions = None, ""
    if options.system is not None:
        system_prompt, system = retrieval.resolve(reader, options.system)
        instructions = _text(reader, system_prompt, system, system_values, stdin)
        refuse_secrets(
            system_prompt, system.content, instructions, allowed=options.allow_secrets
        )
    text = _text(reader, prompt, version, values, stdin)
    piped = stdin.rest()
    refuse_secrets(
        prompt, version.content, f"{text}\n{piped}", allowed=options.allow_secrets
    )
    messages = _messages(instructions, text, piped)
    request = Request(
        messages, options.temperature, options.max_tokens, ceiling=LONGEST_TEXT
    )
    return PreparedRun(prompt, version, system, request)


@dataclass
class _Stdin:
    """The text on stdin, read at most once, and whether a template has used it."""

    read: ReadStdin
    is_used: bool

    @cached_property
    def _text(self) -> str | None:
        return self.read()

    def use(self) -> str | None:
        """Return the text for a template."""
        self.is_used = True
        return self._text

    def rest(self) -> str:
        """Return the text if no template has used it, '' if it is only white space."""
        text = "" if self.is_used else self._text or ""
        return "" if text.isspace() else text


def _split_values(reader: Reader, options: RunOptions) -> tuple[Values, Values]:
    """Return the values for the prompt, and those for the system prompt.

    Values that neither declares go to the prompt, whose rendering reports them.
    """
    if options.system is None or not options.values:
        return options.values, {}
    own = _variables(reader, options.reference)
    other = _variables(reader, options.system)
    values = options.values.items()
    return (
        {name: value for name, value in values if name in own or name not in other},
        {name: value for name, value in values if name in other},
    )


def _variables(reader: Reader, reference: str) -> set[str]:
    details = retrieval.describe(reader, reference)
    is_template = details.version.content.template
    return {v.name for v in details.variables} if is_template else set()


def _text(
    reader: Reader, prompt: Prompt, version: Version, values: Values, stdin: _Stdin
) -> str:
    text = retrieval.text_of(reader, prompt, version, values, stdin.use)
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
    notify: Callable[[str], None],
    on_text: Callable[[str], None] | None = None,
) -> FinishedRun:
    """Send a prompt, pass the answer to *on_text* as it arrives, and record the run.

    Without *on_text* the answer is requested in one piece. A failed or interrupted run
    is recorded as well. If the run log cannot be written, *notify* receives a sentence
    and the run goes on. Raises what `Model.stream` raises.
    """
    attempt = _Attempt(workspace, model, composed, notify)
    request = composed.request
    try:
        answer = model.stream(request, on_text) if on_text else model.ask(request)
    except IncompleteError as error:
        attempt.record(RunStatus.BROKEN, error.answer, error.code)
        raise
    except AnswerInterrupted as stop:
        attempt.record(RunStatus.INTERRUPTED, stop.answer)
        raise
    except (KeyboardInterrupt, OSError):
        attempt.record(RunStatus.INTERRUPTED, attempt.no_answer())
        raise
    except PromptVaultError as error:
        attempt.record(RunStatus.FAILED, attempt.no_answer(), error.code)
        raise
    return attempt.record(RunStatus.DONE, answer)


@dataclass
class _Attempt:
    """A run in progress."""

    workspace: Workspace
    model: Model
    composed: PreparedRun
    notify: Callable[[str], None]
    start: float = field(default_factory=time.monotonic)
    created_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.created_at = self.workspace.now()

    def no_answer(self) -> Answer:
        """Return an empty answer, for a run that failed before its first piece."""
        seconds = time.monotonic() - self.start
        endpoint = self.model.endpoints[0]
        usage = Usage(0, 0)
        return Answer("", endpoint.model, endpoint.public_url, usage, None, seconds)

    def record(
        self, status: RunStatus, answer: Answer, error: str | None = None
    ) -> FinishedRun:
        """Count the use, and add the run to the log."""
        run, paths = self._run(status, answer, error), self.workspace.paths
        if status is not RunStatus.FAILED:
            count_use(paths.usage, run.prompt_id, self.created_at)
        try:
            number = add_run(paths.activity, run, answer.text)
        except VaultError as problem:
            self.notify(f"This run is not in the run log. {problem}")
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
