"""The server's own model: a part of OpenAI's Chat Completions, and what was used.

`POST /v1/ai/chat/completions` takes what the client library sends for a text, and
answers as OpenAI does, whole or as a stream. Anything else in a request is refused.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from promptvault.domain.hosted import HOSTED_MODEL

MOST_INPUT_TOKENS = 64 * 1024
"""By `domain.token.estimate_tokens`; a longer request is refused."""
MOST_OUTPUT_TOKENS = 8 * 1024
"""An answer is cut there, even if the request allows more."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChatMessage(_Strict):
    """A message, which is text alone."""

    role: Literal["system", "user", "assistant"]
    content: str


class JsonSchema(_Strict):
    """The JSON Schema of an answer."""

    name: Annotated[str, Field(max_length=64)]
    # The field of the wire is "schema", which is a method of pydantic's models.
    definition: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool = True


class ResponseFormat(_Strict):
    """The form of an answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(_Strict):
    """What a stream says besides the answer."""

    include_usage: bool = False


class ChatCreate(_Strict):
    """A request to the model."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=500)]
    model: Annotated[str, Field(max_length=200)] = HOSTED_MODEL
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    response_format: ResponseFormat | None = None
    n: Literal[1] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def output_limit(self) -> int:
        """The most tokens of the answer."""
        asked = self.max_completion_tokens or self.max_tokens or MOST_OUTPUT_TOKENS
        return min(asked, MOST_OUTPUT_TOKENS)


class AnswerMessage(BaseModel):
    """The text of an answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None


class Choice(BaseModel):
    """The only choice of an answer."""

    index: int = 0
    message: AnswerMessage
    finish_reason: str


class TokensRead(BaseModel):
    """The tokens of a request and its answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatRead(BaseModel):
    """A whole answer. A stream has the events of OpenAI's API."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = HOSTED_MODEL
    choices: list[Choice]
    usage: TokensRead | None = None
    """Null if the model's provider has not counted them."""


class TaskUsageRead(BaseModel):
    """What was used for one task."""

    requests: int
    spent_usd: float


class AiUsageRead(BaseModel):
    """What an account has used this month: `GET /v1/ai/usage`."""

    month: str
    """As ``2026-11``, in UTC."""
    spent_usd: float
    cap_usd: float
    """0 on the free plan."""
    optimizations: int
    resets_at: datetime
    by_task: dict[str, TaskUsageRead]
