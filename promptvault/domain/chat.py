"""What is asked of a language model and what it answers, as frozen values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from promptvault.domain.token import estimate_tokens

_TOKENS_PER_MESSAGE = 4
"""What a chat format adds to each message, about."""


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Message(NamedTuple):
    """One message of a chat."""

    role: Role
    content: str


class Schema(NamedTuple):
    """The JSON that an answer must be."""

    name: str
    """Letters, digits and '_'; servers show it in their logs."""
    schema: Mapping[str, Any]
    """JSON Schema. Each object lists all its properties as required and allows no
    others, as the strict mode of structured outputs wants it."""


class Request(NamedTuple):
    """What is asked of a model, whichever that is."""

    messages: tuple[Message, ...]
    temperature: float | None = None
    """None leaves it to the model."""
    max_tokens: int | None = None
    """The most that the answer may have; None leaves it to the model."""
    schema: Schema | None = None

    @property
    def input_tokens(self) -> int:
        """About how many tokens are sent."""
        texts = sum(estimate_tokens(message.content) for message in self.messages)
        schema = estimate_tokens(str(self.schema.schema)) if self.schema else 0
        return texts + schema + _TOKENS_PER_MESSAGE * len(self.messages)


class Usage(NamedTuple):
    """How many tokens a request and its answer had."""

    input_tokens: int
    output_tokens: int
    is_estimate: bool = False
    """True where the server did not say."""


class Price(NamedTuple):
    """What a model costs, in US dollars for a million tokens."""

    input: float
    output: float

    def of(self, usage: Usage) -> float:
        """Return the cost of *usage* in US dollars."""
        sent, received = usage.input_tokens, usage.output_tokens
        return (sent * self.input + received * self.output) / 1_000_000


class Answer(NamedTuple):
    """What a model answered."""

    text: str
    model: str
    """The name it was asked for by."""
    endpoint: str
    """Base URL of the server that answered."""
    usage: Usage
    cost: float | None
    """US dollars; None where the model's price is not known, 0 from the cache."""
    seconds: float
    """How long the server took; of a cached answer, how long it took then."""
    first_seconds: float | None = None
    """Until the first piece of a streamed answer came."""
    cached: bool = False
    is_cut: bool = False
    """True where it ends because it reached the most tokens."""
