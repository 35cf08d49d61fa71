"""Requests to language models and their answers, as immutable values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from promptvault.domain.token import estimate_tokens

LONGEST_TEXT = 16_384
"""Tokens; the ceiling of an answer of which nothing is known."""
_CEILING_FACTOR, _LEAST_CEILING = 3, 256
_TOKENS_PER_MESSAGE = 4
"""Estimated tokens that a chat format adds to each message."""


class Role(StrEnum):
    """The author of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Message(NamedTuple):
    """One message of a chat."""

    role: Role
    content: str


class Schema(NamedTuple):
    """The JSON Schema that an answer must fit."""

    name: str
    """Letters, digits and '_'; servers log it."""
    schema: Mapping[str, Any]
    """A JSON Schema in which each object requires all its properties and allows no
    others, as the strict mode of OpenAI's structured outputs demands."""
    outline: str = ""
    """What the request says of the schema; '' says all of it. A schema that repeats
    itself costs many tokens."""


class Request(NamedTuple):
    """A request to any model."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    """None uses the default of the model."""
    max_tokens: int | None = None
    """Maximum tokens of the answer; None uses the default of the model."""
    schema: Schema | None = None
    ceiling: int | None = None
    """Tokens after which the answer is ended, since a model that repeats itself does
    not end. It is no wish of the user: a server that does not take it gets none, and a
    model that thinks gets more."""

    @property
    def expected_tokens(self) -> int:
        """Estimated tokens of the answer, by its ceiling; 0 without one."""
        return (self.ceiling or 0) // _CEILING_FACTOR

    @property
    def input_tokens(self) -> int:
        """Estimated tokens of the request."""
        texts = sum(estimate_tokens(message.content) for message in self.messages)
        schema = estimate_tokens(str(self.schema.schema)) if self.schema else 0
        return texts + schema + _TOKENS_PER_MESSAGE * len(self.messages)


def ceiling_of(tokens: int) -> int:
    """Return the ceiling of an answer that has about so many *tokens*."""
    return max(_LEAST_CEILING, _CEILING_FACTOR * tokens)


class Usage(NamedTuple):
    """The tokens of a request and its answer."""

    input_tokens: int
    output_tokens: int
    is_estimate: bool = False
    """True if the server did not report them."""


class Price(NamedTuple):
    """The price of a model, in US dollars for a million tokens."""

    input: float
    output: float

    def of(self, usage: Usage) -> float:
        """Return the cost of *usage* in US dollars."""
        sent, received = usage.input_tokens, usage.output_tokens
        return (sent * self.input + received * self.output) / 1_000_000


class Answer(NamedTuple):
    """The answer of a model."""

    text: str
    model: str
    """Name of the model in the request."""
    endpoint: str
    """Base URL of the server that answered."""
    usage: Usage
    cost: float | None
    """US dollars; None if the model's price is not known, 0 from the cache."""
    seconds: float
    """Duration of the request; for a cached answer, of the original request."""
    first_seconds: float | None = None
    """Seconds until the first piece of a streamed answer."""
    cached: bool = False
    is_cut: bool = False
    """True if the answer ended at its limit of tokens."""
