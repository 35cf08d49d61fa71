"""How servers differ from OpenAI's: one row each, with a report that it was seen."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from promptvault.domain.chat import Message, Request, Role, Schema
from tests.model_server import Body, Parts, Raw, Reply, Status
from tests.providers.chat_kit import chunk, event

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 5, "completion_tokens": 2}
PLAIN = Request((Message(Role.USER, "Say hello."),), temperature=0)
INSTRUCTED = PLAIN._replace(
    messages=(Message(Role.SYSTEM, "Be short."), *PLAIN.messages)
)
SCHEMA = Schema(
    "reply",
    {"type": "object", "properties": {"a": {"type": "array", "maxItems": 3}}},
)
FORMED = INSTRUCTED._replace(schema=SCHEMA)
VALUE = '{"a": []}'


class Quirk(NamedTuple):
    """A way in which a server answers, and what must come of it."""

    thread: str
    """A public report of it: "repository#number", or the server that does it."""
    answer: Callable[[Body], Reply]
    text: str = "Hello there"
    """The answer, if there is one."""
    exit_code: int = 0
    """That of the error otherwise."""
    words: str = ""
    """In the message of the error, or told to the user."""
    asked: int = 1
    """How often the server is asked."""
    is_cut: bool = False
    request: Request = PLAIN


def stream(*events: Any, end: bytes = DONE) -> Callable[[Body], Reply]:
    """Return a server that sends *events*; text stands for a chunk with it."""
    parts = [
        each if isinstance(each, bytes) else event(_chunk(each)) for each in events
    ]
    return lambda _: Parts([*parts, end] if end else parts)


def _chunk(each: Any) -> Any:
    return chunk(each) if isinstance(each, str) else each


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a chunk with these fields."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def finished(reason: str) -> Callable[[Body], Reply]:
    """Return a server whose answer ends with *reason*."""
    return stream("Hello", " there", chunk(None, reason))


def whole(body: Any) -> Callable[[Body], Reply]:
    """Return a server that sends JSON, whatever was asked for."""
    return lambda _: Raw(json.dumps(body).encode())


def refusal(code: int, body: Any) -> Callable[[Body], Reply]:
    """Return a server that refuses every request."""
    return lambda _: Status(code, body=json.dumps(body).encode())


def refuses(
    is_refused: Callable[[Body], bool], code: int, body: Any, text: str = "Hello there"
) -> Callable[[Body], Reply]:
    """Return a server that refuses some requests."""
    refuse, accept = refusal(code, body), stream(text, chunk(None, "stop"))
    return lambda sent: refuse(sent) if is_refused(sent) else accept(sent)


def error(message: str, **more: Any) -> dict[str, Any]:
    """Return the body of an error as OpenAI sends it."""
    return {"error": {"message": message, **more}}


def has(name: str) -> Callable[[Body], bool]:
    """Return whether a request has a parameter."""
    return lambda sent: name in sent


def has_system(sent: Body) -> bool:
    """Return whether a request has a system message."""
    return any(message["role"] == "system" for message in sent["messages"])


def schema_refused(thread: str, code: int, body: Any) -> Quirk:
    """Return a server that takes no schema, and says so in its own words."""
    answer = refuses(has("response_format"), code, body, VALUE)
    return Quirk(thread, answer, VALUE, asked=2, request=FORMED)


def system_refused(thread: str, code: int, body: Any) -> Quirk:
    """Return a server that takes no system message, and says so in its own words."""
    return Quirk(thread, refuses(has_system, code, body), asked=2, request=INSTRUCTED)


def failed(thread: str, code: int, body: Any, exit_code: int, words: str) -> Quirk:
    """Return a server that refuses for a reason that no other request mends."""
    return Quirk(thread, refusal(code, body), "", exit_code, words)


_LONG = "max_tokens is too large: 16384. This model supports at most 4096 tokens."

STREAMS: Mapping[str, Quirk] = {
    "no finish reason": Quirk("opencode#43379", stream("Hello", " there")),
    "no finish reason, usage": Quirk(
        "opencode#43882",
        stream("Hello there", {"choices": [], "usage": USAGE}, end=b""),
    ),
    "no end": Quirk("M365-Copilot2API#6", stream("Hello", end=b""), "", 6, "broke off"),
    "empty finish reason": Quirk(
        "ollama#4357", stream(chunk("Hello", ""), chunk(" there", ""), end=DONE)
    ),
    "finish reason eos": Quirk("LocalAI#1194", finished("eos")),
    "finish reason MAX_TOKENS": Quirk("gemini", finished("MAX_TOKENS"), is_cut=True),
    "finish reason model_length": Quirk(
        "mistral", finished("model_length"), is_cut=True
    ),
    "finish reason error": Quirk("openrouter", finished("error"), "", 6, "failed in"),
    "finish reason abort": Quirk("vllm", finished("abort"), "", 6, "failed in"),
    "finish reason cancelled": Quirk("ollama", finished("cancelled"), "", 6, "failed"),
    "finish reason SAFETY": Quirk("gemini", finished("SAFETY"), "", 2, "filter"),
    "last chunk with text": Quirk(
        "llama.cpp", stream("Hello", chunk(" there", "stop"))
    ),
    "null before the text": Quirk(
        "vllm", stream(chunk(None), "Hello there", chunk(None, "stop"))
    ),
    "no index": Quirk(
        "LocalAI#1194", stream({"choices": [{"delta": {"content": "Hello there"}}]})
    ),
    "choices null": Quirk("azure", stream({"choices": None}, "Hello there")),
    "filter results first": Quirk(
        "azure", stream({"choices": [], "prompt_filter_results": [{}]}, "Hello there")
    ),
    "filter results later": Quirk(
        "azure",
        stream("Hello there", {"choices": [{"index": 0, "finish_reason": None}]}),
    ),
    "delta null": Quirk(
        "openai-python#1677",
        stream(
            "Hello there",
            {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]},
        ),
    ),
    "usage in every chunk": Quirk(
        "alfred/openai-workflow#52",
        stream(chunk("Hello", usage=USAGE), chunk(" there", "stop", usage=USAGE)),
    ),
    "usage as text": Quirk(
        "llm-gateway",
        stream(chunk("Hello there", "stop", usage={"prompt_tokens": "5"})),
    ),
    "comments": Quirk(
        "openai-go#227", stream(b": OPENROUTER PROCESSING\n\n", "Hello there")
    ),
    "comments as data": Quirk(
        "llm-gateway#2053", stream(b"data: : OPENROUTER PROCESSING\n\n", "Hello there")
    ),
    "byte order mark": Quirk("azure", stream(b"\xef\xbb\xbf", "Hello there")),
    "CRLF": Quirk(
        "llama-cpp-python",
        stream(event(chunk("Hello there")).replace(b"\n", b"\r\n")),
    ),
    "no blank after data:": Quirk(
        "ollama", stream(event(chunk("Hello there")).replace(b"data: ", b"data:"))
    ),
    "no empty line at the end": Quirk(
        "litellm", stream("Hello there", end=b"data: [DONE]\n")
    ),
    "more after the end": Quirk(
        "openrouter", stream("Hello there", DONE, chunk("again"), end=DONE)
    ),
    "JSON for a stream": Quirk(
        "litellm", whole({"choices": [{"message": {"content": "Hello there"}}]})
    ),
    "JSON that says it is a stream": Quirk(
        "litellm",
        lambda _: Parts([b'{"choices": [{"message": {"content": "Hello there"}}]}']),
    ),
    "stream that says it is JSON": Quirk(
        "one-api",
        lambda _: Raw(event(chunk("Hello there")) + DONE, "application/json"),
    ),
    "no stream": Quirk(
        "openai-python#2459",
        refuses(
            lambda sent: sent["stream"],
            400,
            error("Your organization must be verified to stream.", param="stream"),
        ),
        asked=2,
    ),
    "a call of a tool": Quirk(
        "vllm", stream(delta("tool_calls", content=None)), "", 6, "answered nothing"
    ),
    "content in parts": Quirk(
        "hermes-agent#11243",
        stream(
            delta(
                content=[
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "Hello there"},
                ]
            )
        ),
    ),
}
"""Ways to send an answer."""

ERRORS_WITHIN: Mapping[str, Quirk] = {
    "busy at first": Quirk(
        "vercel/ai#2720", stream(error("Rate limit", code=429)), "", 10, "fewer"
    ),
    "busy, in words": Quirk(
        "groq", stream(error("x", type="rate_limit_exceeded")), "", 10, "fewer"
    ),
    "error in the middle": Quirk(
        "langchainjs#11579",
        stream(
            "Hello", error("Disconnected", code="server_error") | chunk("", "error")
        ),
        "",
        6,
        "in the middle",
    ),
    "an event of that name": Quirk(
        "litellm",
        stream(b'event: error\ndata: {"message": "died", "code": 502}\n\n'),
        "",
        6,
        "in the middle",
    ),
    "JSON with status 200": Quirk(
        "openrouter",
        whole(error("Insufficient credits", code=402)),
        "",
        4,
        "no credit",
    ),
    "a text with status 200": Quirk(
        "one-api", whole({"error": "model 'x' not found"}), "", 3, "no model"
    ),
    "a schema, refused within": Quirk(
        "Plush#135",
        lambda sent: (
            stream(error("Failed to generate JSON.", code="json_validate_failed"))
            if "response_format" in sent
            else stream(VALUE)
        )(sent),
        VALUE,
        asked=2,
        request=FORMED,
    ),
}
"""Errors after a status that says all is well."""

THOUGHTS: Mapping[str, Quirk] = {
    "reasoning_content": Quirk(
        "vllm#13375",
        stream(delta(content=None, reasoning_content="Hm"), "Hello there"),
    ),
    "reasoning": Quirk("ollama#13175", stream(delta(reasoning="Hm"), "Hello there")),
    "tags": Quirk(
        "ollama#9137", stream("<thi", "nk>", "Hm.", "</th", "ink>", "\n\nHello there")
    ),
    "tags of Mistral": Quirk("vllm", stream("[THINK]Hm.[/THINK]Hello there")),
    "channels": Quirk(
        "harmony",
        stream(
            "<|channel|>analysis<|message|>Hm<|end|><|start|>assis",
            "tant<|channel|>final<|mess",
            "age|>Hello there<|return|>",
        ),
    ),
    "JSON among the thoughts": Quirk(
        "lmstudio#1773",
        stream(delta(reasoning_content=VALUE), chunk(None, "stop")),
        VALUE,
        request=FORMED,
    ),
    "only thoughts": Quirk(
        "opencode#46061",
        stream(delta(reasoning="Hm"), chunk(None, "stop")),
        "",
        6,
        "only thought",
    ),
    "thoughts up to the limit": Quirk(
        "ollama#15288",
        stream(delta(reasoning="Hm"), chunk(None, "length")),
        "",
        2,
        "turn its thinking off",
    ),
    "an answer about the tags": Quirk(
        "ollama#9137",
        stream("<think> is a tag.", chunk(None, "stop")),
        "<think> is a tag.",
    ),
}
"""Places of thoughts, which are no part of the answer."""

REFUSED_PARAMETERS: Mapping[str, Quirk] = {
    "stream_options": Quirk(
        "mistral",
        refuses(
            has("stream_options"),
            422,
            {"detail": [{"loc": ["body", "stream_options"], "msg": "not permitted"}]},
        ),
        asked=2,
    ),
    "max_tokens": Quirk(
        "openai-python#2104",
        refuses(
            has("max_tokens"),
            400,
            error("Use 'max_completion_tokens' instead of 'max_tokens'."),
        ),
        asked=2,
        request=PLAIN._replace(max_tokens=9),
    ),
    "our own limit": Quirk(
        "vllm",
        refuses(has("max_tokens"), 400, error(_LONG)),
        asked=2,
        request=PLAIN._replace(ceiling=16_384),
    ),
    "our own limit, as a part of the context": Quirk(
        "vllm",
        refuses(
            has("max_tokens"),
            400,
            error("This model's maximum context length is 4096 tokens, requested 9000"),
        ),
        asked=2,
        request=PLAIN._replace(ceiling=8_000),
    ),
    "temperature": Quirk(
        "aichat#1144",
        refuses(
            has("temperature"), 400, error("Unsupported value", param="temperature")
        ),
        words="takes no temperature",
        asked=2,
    ),
    "temperature, in no words": Quirk(
        "OpenHands#1837",
        refuses(has("temperature"), 400, {"detail": "Bad request"}),
        words="takes no temperature",
        asked=2,
    ),
    "system role": system_refused("vllm#2964", 400, error("System role not supported")),
    "system role, HTTP 500": system_refused(
        "llama-cpp-python#1580",
        500,
        error("Jinja Exception: System role not supported", code=500),
    ),
    "system role, roles in turn": system_refused(
        "sglang#892",
        400,
        {"message": "Conversation roles must alternate user/assistant"},
    ),
    "system role, in other words": system_refused(
        "chat-ui#1386", 422, {"error": "Only user and assistant roles are supported!"}
    ),
    "system role, of Gemma": system_refused(
        "gemini",
        400,
        [error("Developer instruction is not enabled", status="INVALID_ARGUMENT")],
    ),
    "bounds": Quirk(
        "node-DeepResearch#79",
        refuses(
            lambda sent: "maxItems" in json.dumps(sent["response_format"]),
            400,
            error("Invalid schema for response_format: 'maxItems' is not permitted."),
            VALUE,
        ),
        VALUE,
        asked=2,
        request=FORMED,
    ),
    "schema": schema_refused(
        "deepseek", 400, error("This response_format type is unavailable now")
    ),
    "schema, of Gemini": schema_refused(
        "any-llm#1143",
        400,
        [
            error(
                'Unknown name "additionalProperties" at'
                " 'generation_config.response_schema': Cannot find field."
            )
        ],
    ),
    "schema, of llama.cpp": schema_refused(
        "llama.cpp", 400, error("JSON schema conversion failed:\nUnrecognized schema")
    ),
    "schema, of LM Studio": schema_refused(
        "lmstudio#1698", 400, {"error": "Model does not support structured output"}
    ),
    "schema, of Bedrock": schema_refused(
        "bedrock", 400, error("output_config.format: not supported by this model")
    ),
    "schema, of Groq": schema_refused(
        "Vane#980",
        400,
        error("Failed to generate JSON.", code="json_validate_failed"),
    ),
    "schema, in no words": schema_refused("litellm", 400, {"detail": "Bad request"}),
    "schema, HTTP 500": schema_refused(
        "vllm", 500, error("Internal Server Error: xgrammar failed to compile")
    ),
}
"""What a server does not take, in its own words; it is asked again without."""

REASONS: Mapping[str, Quirk] = {
    "too long": failed(
        "openai",
        400,
        error(
            "This model's maximum context length is 4096 tokens. However, you"
            " requested 5000 tokens.",
            code="context_length_exceeded",
        ),
        2,
        "5,000 tokens, and it takes 4,096",
    ),
    "too long, for llama.cpp": failed(
        "llama.cpp",
        400,
        error(
            "the request exceeds the available context size",
            type="exceed_context_size_error",
            n_prompt_tokens=9031,
            n_ctx=4096,
        ),
        2,
        "9,031 tokens, and it takes 4,096",
    ),
    "too long, for Gemini": failed(
        "gemini",
        400,
        [
            error(
                "The input token count (131073) exceeds the maximum number of tokens"
                " allowed (131072)."
            )
        ],
        2,
        "131,073 tokens, and it takes 131,072",
    ),
    "too long, for Claude": failed(
        "anthropic",
        400,
        error("prompt is too long: 208310 tokens > 200000 maximum"),
        2,
        "208,310 tokens, and it takes 200,000",
    ),
    "unknown model": failed(
        "ollama",
        400,
        {"error": "model 'x' not found, try pulling it first"},
        3,
        "no model",
    ),
    "no credit": failed(
        "anthropic", 400, error("Your credit balance is too low"), 4, "no credit"
    ),
    "another detail": failed(
        "fastapi", 422, {"detail": [{"loc": ["body"], "msg": "no"}]}, 2, "HTTP 422"
    )._replace(request=Request(PLAIN.messages)),
    "loading": failed(
        "llama.cpp", 503, error("Loading model", code=503), 6, "HTTP 503"
    ),
    "a page of a proxy": Quirk(
        "nginx",
        lambda _: Status(502, body=b"<html>Bad Gateway</html>"),
        "",
        6,
        "HTTP 502",
    ),
    "no choices": Quirk("azure", whole({"choices": []}), "", 6, "other than a chat"),
}
"""Refusals, told in our words."""

QUIRKS: Mapping[str, Quirk] = {
    **STREAMS,
    **ERRORS_WITHIN,
    **THOUGHTS,
    **REFUSED_PARAMETERS,
    **REASONS,
}
