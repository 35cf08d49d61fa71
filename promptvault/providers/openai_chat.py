"""Chat completions through the OpenAI client, and its errors in our own terms."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import openai
from openai import OpenAI
from openai.types import CompletionUsage

from promptvault.domain.chat import Request, Usage
from promptvault.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
)
from promptvault.providers.endpoint import Endpoint
from promptvault.providers.failure import (
    BusyError,
    DownError,
    EmptyAnswerError,
    SilentError,
)

_NO_KEY = "none"
"""The client wants some key; a local server looks at none."""

_BROKE_OFF = "The answer broke off: the line was cut."

End = tuple[Usage | None, str]
"""What a server tells at the end: tokens where it counts them, and why it ended."""


class Chat:
    """A connection to one endpoint. Its methods raise PromptVaultError.

    BusyError, DownError and EmptyAnswerError may pass when asked again; SilentError
    too, but then the answer may be paid for twice.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # Retries are ours: they keep to any Retry-After, and a person is told.
        self._client = OpenAI(
            api_key=endpoint.key or _NO_KEY,
            base_url=endpoint.base_url,
            timeout=endpoint.timeout,
            max_retries=0,
        )
        self._left_out: set[str] = set()
        """Parameters that this server has refused."""

    def close(self) -> None:
        """End the connection; a request under way fails."""
        self._client.close()

    def complete(self, request: Request) -> tuple[str, End]:
        """Return the whole answer, and what the server told at its end."""
        with self._translated():
            answer = self._create(request, stream=False)
            try:
                choice = answer.choices[0]
                text, finish = choice.message.content, choice.finish_reason
            except (AttributeError, IndexError, TypeError):
                raise _no_chat() from None
            return self._checked(text or "", finish), (
                _usage(answer.usage),
                finish or "",
            )

    def stream(self, request: Request) -> Iterator[str | End]:
        """Yield the answer in pieces as they come, then what the server told."""
        usage, finish, came = None, None, False
        with self._translated(), self._create(request, stream=True) as chunks:
            for chunk in chunks:
                try:
                    choice = chunk.choices[0] if chunk.choices else None
                    usage = _usage(chunk.usage) or usage
                except (AttributeError, TypeError):
                    raise _no_chat() from None
                if choice is None:
                    continue
                finish = choice.finish_reason or finish
                if choice.delta and choice.delta.content:
                    came = True
                    yield choice.delta.content
            if finish is None:  # the protocol ends with a reason: the line was cut
                raise DownError(_BROKE_OFF)
            self._checked("." if came else "", finish)
            yield usage, finish

    def _checked(self, text: str, finish: str | None) -> str:
        if finish == "content_filter":
            raise InvalidInputError("The model's content filter refused to answer.")
        if not text:
            raise EmptyAnswerError(f"{self._endpoint.model} answered nothing.")
        return text

    def _create(self, request: Request, *, stream: bool) -> Any:
        """Send *request*; what an older server does not know is left out then."""
        while True:
            parameters = self._parameters(request, stream=stream)
            try:
                return self._client.chat.completions.create(**parameters)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = _refused(error, parameters)
                if refused is None:
                    raise
                self._left_out.add(refused)

    def _parameters(self, request: Request, *, stream: bool) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [
                {"role": message.role.value, "content": message.content}
                for message in request.messages
            ],
            "stream": stream,
        }
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if request.max_tokens is not None:
            parameters[self._endpoint.limit_name] = request.max_tokens
        if request.schema is not None:
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": request.schema.name,
                    "schema": dict(request.schema.schema),
                    "strict": True,
                },
            }
        if stream:
            parameters["stream_options"] = {"include_usage": True}
        for name in self._left_out:
            parameters.pop(name, None)
        return parameters

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PromptVaultError:
            raise
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except openai.APITimeoutError:
            seconds = f"{self._endpoint.timeout:g} seconds"
            message = f"{self._endpoint.host} did not answer within {seconds}."
            raise SilentError(message) from None
        except openai.APIConnectionError as error:
            # The client tells all failures of the line by one class; why, its cause.
            if type(error.__cause__).__name__.startswith("Connect"):
                message = f"{self._endpoint.host} cannot be reached."
                raise DownError(message) from None
            raise DownError(_BROKE_OFF) from None
        except (openai.APIError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _no_chat() from error
        except openai.OpenAIError as error:
            raise InvalidInputError(f"The request cannot be made: {error}") from None

    # The server's own words may quote the key or the prompt: they stay out.
    def _status_error(self, error: openai.APIStatusError) -> PromptVaultError:
        host, model = self._endpoint.host, self._endpoint.model
        match error.status_code:
            case 401:
                return AuthenticationError(
                    f"{host} does not accept the key. Set another: OPENAI_API_KEY, or"
                    " 'promptvault config set ai.api_key'."
                )
            case 403:
                return PermissionDeniedError(f"The key may not use {model} on {host}.")
            case 404:
                return NotFoundError(
                    f"{host} has no model {model!r}, or no chat completions at"
                    f" {self._endpoint.public_url}."
                )
            case 429 if _code(error) == "insufficient_quota":
                return PermissionDeniedError(f"The account at {host} has no credit.")
            case 429:
                return BusyError(f"{host} asks for fewer requests.", _wait(error))
            case status if status in {408, 409} or status >= 500:
                message = f"{host} fails (HTTP {status})."
                return DownError(message, _wait(error))
            case status:
                reason = _code(error)
                because = f": {reason}" if reason else ""
                return InvalidInputError(
                    f"{host} refuses the request (HTTP {status}{because})."
                )


def _no_chat() -> DownError:
    return DownError("The server answered with something that is no chat completion.")


def _usage(usage: CompletionUsage | None) -> Usage | None:
    if usage is None:
        return None
    sent, received = usage.prompt_tokens, usage.completion_tokens
    if not isinstance(sent, int) or not isinstance(received, int):
        return None
    return Usage(max(0, sent), max(0, received))


_OPTIONAL = ("response_format", "stream_options")


def _refused(error: openai.APIStatusError, parameters: dict[str, Any]) -> str | None:
    """Return the parameter that an older server does not know, if that is why."""
    words = f"{error.body} {error.message}"
    return next((n for n in _OPTIONAL if n in parameters and n in words), None)


def _code(error: openai.APIStatusError) -> str:
    """Return the error's short code, as "context_length_exceeded", or ''."""
    code = error.code if isinstance(error.code, str) else ""
    return code if code.isidentifier() and len(code) < 50 else ""


def _wait(error: openai.APIStatusError) -> float | None:
    """Return the seconds that the server asks to wait, None if it does not."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(date: str, now: str) -> float | None:
    """Return the seconds from *now* to an HTTP *date*, both by the server's clock."""
    from email.utils import parsedate_to_datetime  # few servers give a date

    try:
        wait = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except ValueError:
        return None
    return max(0.0, wait.total_seconds())
