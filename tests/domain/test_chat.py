"""Estimated tokens and prices of requests."""

from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Message, Price, Request, Role, Schema, Usage

TEXT = st.text(st.characters())
MESSAGES = st.lists(st.builds(Message, st.sampled_from(Role), TEXT)).map(tuple)
SCHEMAS = st.none() | st.builds(
    Schema, TEXT, st.dictionaries(TEXT, st.recursive(TEXT, st.lists))
)


@given(MESSAGES, SCHEMAS)
def test_an_estimate_is_never_less_than_nothing(
    messages: tuple[Message, ...], schema: Schema | None
) -> None:
    assert Request(messages, schema=schema).input_tokens >= 4 * len(messages)


@given(MESSAGES, st.builds(Message, st.sampled_from(Role), TEXT))
def test_one_more_message_is_more(
    messages: tuple[Message, ...], message: Message
) -> None:
    more = Request((*messages, message))

    assert more.input_tokens > Request(messages).input_tokens


def test_a_schema_is_sent_too() -> None:
    message = Message(Role.USER, "x" * 400)
    schema = Schema("s", {"type": "object", "properties": {"a": {"type": "string"}}})

    assert Request((message,)).input_tokens == 104
    assert Request((message,), schema=schema).input_tokens > 110


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_price_is_for_a_million(sent: int, received: int) -> None:
    assert Price(0, 0).of(Usage(sent, received)) == 0
    assert Price(2, 6).of(Usage(sent, received)) == (2 * sent + 6 * received) / 10**6
