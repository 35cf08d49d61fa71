"""A file that is a list of messages, whose order only their times tell."""

from promptvault.importers.conversation.message_list import is_human
from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Document
from promptvault.importers.input.json_stream import Damaged, JsonObject, json_values


def read_messages(document: Document) -> tuple[list[JsonObject], list[Failure]]:
    """Return the messages of a person in *document*, and what could not be read.

    The file is an array or JSON Lines. Other messages are not held in memory. Raises
    ImportSourceError if the file cannot be read further.
    """
    messages: list[JsonObject] = []
    failures: list[Failure] = []
    with document.open() as stream:
        for index, value in enumerate(json_values(stream, ())):
            if isinstance(value, dict) and "role" in value:
                if is_human(value):
                    messages.append(value)
                continue
            where = f"{document.name}, message {index + 1}"
            reason = "it is not a message"
            if isinstance(value, Damaged):
                reason = value.reason
            failures.append(Failure(where, reason))
    return messages, failures
