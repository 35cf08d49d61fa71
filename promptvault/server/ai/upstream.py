"""Requests to the model over HTTP, with a fallback before the first byte."""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import httpx

from promptvault.server.ai.failure import (
    ModelDownError,
    ModelError,
    ModelMisconfiguredError,
    ModelRefusedError,
)
from promptvault.server.ai.settings import AiSettings, Target, TokenPrice
from promptvault.wire.ai import ChatCreate

_CONNECT_SECONDS = 10.0
_MOST_BYTES = 8 * 1024 * 1024
"""Of an answer with all of its events; what is longer does not end."""
_MOST_COMPLAINT = 64 * 1024
_OTHER_NAME = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
_OPTIONAL = ("response_format", "stream_options", "temperature")
_REFUSALS = {400, 413, 422}
_MOST_CHANGES = 4
"""Requests without parameters that a model does not know."""


class Stream:
    """An answer that has begun."""

    def __init__(self, response: httpx.Response, target: Target) -> None:
        self.target = target
        self._response = response
        self._blocks = self._read()
        self._first: list[bytes] = []

    async def begin(self) -> None:
        """Wait for the first event; raises ModelDownError if it is an error."""
        while not self._first:
            self._first = await anext(self._blocks, [b""])
        if _is_error(self._first[0]):
            raise ModelDownError("error in the stream")

    async def blocks(self) -> AsyncIterator[list[bytes]]:
        """Yield the events as they arrive, or the answer as a whole.

        Raises ModelError if the connection is lost, or silent for too long.
        """
        yield self._first
        async for block in self._blocks:
            yield block

    async def close(self) -> None:
        """Close the answer, also before its end."""
        await self._blocks.aclose()
        await self._response.aclose()

    async def _read(self) -> AsyncGenerator[list[bytes], None]:
        content_type = self._response.headers.get("content-type", "")
        is_stream = content_type.startswith("text/event-stream")
        rest, size = b"", 0
        with _translated():
            async for data in self._response.aiter_bytes():
                size += len(data)
                if size > _MOST_BYTES:
                    raise ModelError("too long")
                rest += data
                if is_stream and b"\n" in data:
                    *lines, rest = rest.split(b"\n")
                    if block := _events(lines):
                        yield block
        if block := _events([rest]) if is_stream else [rest]:
            yield block


def _events(lines: list[bytes]) -> list[bytes]:
    return [line[5:].strip() for line in lines if line.startswith(b"data:")]


def _is_error(event: bytes) -> bool:
    with contextlib.suppress(ValueError):
        part = json.loads(event)
        return isinstance(part, dict) and bool(part.get("error"))
    return False


class Upstream:
    """The models of the settings; each worker has one client for both."""

    def __init__(self, settings: AiSettings) -> None:
        self._targets = settings.ai_targets()
        timeout = httpx.Timeout(settings.ai_timeout, connect=_CONNECT_SECONDS)
        self._http = httpx.AsyncClient(timeout=timeout)
        self._limit_names = {each: each.endpoint.limit_name for each in self._targets}
        """The parameter for the most tokens: newer models have another one."""

    @property
    def dearest(self) -> TokenPrice:
        """The most that a token may cost."""
        prices = [each.price for each in self._targets]
        return TokenPrice(
            max(price.input for price in prices), max(price.output for price in prices)
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def ask(self, wish: ChatCreate) -> AsyncIterator[Stream]:
        """Yield an answer from its first event on.

        Raises ModelRefusedError if the request is at fault, ModelError otherwise.
        """
        stream = await self._first_that_answers(wish)
        try:
            yield stream
        finally:
            await stream.close()

    async def _first_that_answers(self, wish: ChatCreate) -> Stream:
        *others, last = self._targets
        for target in others:
            with contextlib.suppress(ModelDownError):
                return await self._begin(target, wish)
        return await self._begin(last, wish)

    async def _begin(self, target: Target, wish: ChatCreate) -> Stream:
        stream = Stream(await self._open(target, wish), target)
        try:
            await stream.begin()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _open(self, target: Target, wish: ChatCreate) -> httpx.Response:
        """Return an answer with status 200; leave out what a model does not know."""
        parameters = self._parameters(target, wish)
        for _ in range(_MOST_CHANGES):
            response = await self._send(target, parameters)
            if response.status_code == 200:
                names = {"max_tokens", "max_completion_tokens"} & parameters.keys()
                self._limit_names[target] = names.pop()
                return response
            try:
                complaint = await _complaint(response)
            finally:
                await response.aclose()
            if response.status_code not in _REFUSALS:
                break
            if not _adapt(parameters, complaint):
                break
        raise _failure(response.status_code)

    async def _send(self, target: Target, parameters: Any) -> httpx.Response:
        base, _, query = target.endpoint.base_url.partition("?")
        request = self._http.build_request(
            "POST",
            f"{base.rstrip('/')}/chat/completions",
            params=httpx.QueryParams(query) if query else None,
            content=json.dumps(parameters).encode(),
            headers={
                "Authorization": f"Bearer {target.endpoint.key}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
        )
        with _translated():
            return await self._http.send(request, stream=True)

    def _parameters(self, target: Target, wish: ChatCreate) -> dict[str, Any]:
        parameters = wish.model_dump(
            include={"messages", "temperature", "response_format"},
            by_alias=True,
            exclude_none=True,
        )
        parameters |= {
            "model": target.endpoint.model,
            self._limit_names[target]: wish.output_limit,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return parameters


def _adapt(parameters: dict[str, Any], complaint: str) -> bool:
    """Change a parameter that a complaint names; return False if there is none."""
    for name, other in _OTHER_NAME.items():
        if name in parameters and name in complaint:
            parameters[other] = parameters.pop(name)
            return True
    for name in _OPTIONAL:
        if name in parameters and name in complaint:
            del parameters[name]
            return True
    return False


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise ModelError for errors of the connection, which would quote the address."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ModelDownError(type(error).__name__) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ModelError(type(error).__name__) from None


async def _complaint(response: httpx.Response) -> str:
    """Return the beginning of an error's text, to find a parameter in it."""
    text = b""
    with _translated():
        async for data in response.aiter_bytes():
            text += data
            if len(text) > _MOST_COMPLAINT:
                break
    return text.decode(errors="replace")


def _failure(status: int) -> Exception:
    if status in _REFUSALS:
        return ModelRefusedError()
    if status >= 500 or status == 429:
        return ModelDownError(str(status))
    return ModelMisconfiguredError(str(status))
