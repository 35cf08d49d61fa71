"""A chat without branches is yielded prompt by prompt, the first as a conversation."""

from promptvault.importers import Candidate, Conversation, Draft, Skipped
from promptvault.importers.conversation.linear_chat import LinearChat


def test_the_first_prompt_is_a_conversation_and_later_ones_name_it() -> None:
    chat = LinearChat("c", "Title")
    chat.add(Draft("one"))
    chat.add(Draft("two"))
    first = Candidate(
        (Draft("one"),), opening=True, conversation_id="c", conversation_title="Title"
    )
    assert list(chat.take_complete()) == [Conversation((first,))]
    second = first._replace(drafts=(Draft("two"),), opening=False)
    assert list(chat.finish()) == [second]


def test_the_model_is_that_of_the_first_answer() -> None:
    chat = LinearChat("c")
    chat.set_model("before any prompt")
    chat.add(Draft("one"))
    chat.set_model("m")
    chat.set_model("n")
    (item,) = chat.finish()
    assert isinstance(item, Conversation)
    assert item.candidates[0].drafts[0].model == "m"


def test_the_first_message_names_a_chat_without_a_key() -> None:
    chat = LinearChat()
    chat.add(Draft("one", message_id="m"))
    (item,) = chat.finish()
    assert isinstance(item, Conversation)
    assert item.candidates[0].conversation_id == "m"


def test_counts_come_with_the_conversation_or_after_it() -> None:
    chat = LinearChat("c")
    chat.skipped["before"] += 1
    chat.add(Draft("one"))
    chat.add(Draft("two"))
    (opened,) = chat.take_complete()
    assert isinstance(opened, Conversation)
    assert opened.skipped == {"before": 1}
    chat.skipped["after"] += 2
    assert list(chat.finish())[1:] == [Skipped("after", 2)]


def test_a_chat_without_prompts_is_counted() -> None:
    assert list(LinearChat().finish()) == [Conversation((), {"empty conversation": 1})]
