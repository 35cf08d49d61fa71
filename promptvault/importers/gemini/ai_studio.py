"""Google AI Studio's prompts: JSON files without an ending, from Google Drive."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import itemgetter
from pathlib import PurePosixPath

from promptvault.importers.input.attachment import without_files
from promptvault.importers.input.candidate import (
    NO_TEXT,
    Candidate,
    CandidateKind,
    Conversation,
    Draft,
    Failure,
    Items,
    linear_candidates,
)
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_list, as_object, as_text, as_time
from promptvault.importers.input.json_stream import (
    Damaged,
    JsonObject,
    JsonValue,
    json_values,
)

SOURCE = "ai-studio"

_ROLES = ("user", "model")
_OLDEST = datetime.min.replace(tzinfo=UTC)


def probe(document: Document) -> bool:
    """Return True for a prompt of AI Studio."""
    return any(map(_is_prompt, document.sample))


def read(document: Document) -> Items:
    """Yield each prompt in *document*, usually one, as a conversation.

    Raises ImportSourceError if the file cannot be read further.
    """
    with document.open() as stream:
        for index, value in enumerate(json_values(without_files(stream))):
            where = f"{document.name}, prompt {index + 1}"
            if isinstance(value, Damaged):
                yield Failure(where, value.reason)
            elif isinstance(value, dict) and _is_prompt(value):
                yield _conversation(value, _file_title(document.name))
            else:
                yield Failure(where, "it is not a prompt of AI Studio")


def _is_prompt(value: JsonObject) -> bool:
    if isinstance(value.get("chunkedPrompt"), dict):
        return True
    chunks = [
        chunk for chunk in as_list(value.get("chunks")) if isinstance(chunk, dict)
    ]
    return "runSettings" in value and (bool(chunks) or "systemInstruction" in value)


def _file_title(name: str) -> str | None:
    return as_text(PurePosixPath(name).name.removesuffix(".json"))


def _conversation(value: JsonObject, file_title: str | None) -> Conversation:
    names = (as_text(value.get(key)) for key in ("title", "displayName", "name"))
    title = next(filter(None, names), file_title)
    prompt = as_object(value.get("chunkedPrompt")) or value
    turns = list(_turns(as_list(prompt.get("chunks"))))
    drafts = [_drafts(turn, _model(value)) for turn in turns]
    found = chain.from_iterable(drafts)
    candidates = linear_candidates(found, as_text(value.get("id")), title)
    instructions = _instructions(value, title)
    return Conversation((*instructions, *candidates), _skipped(prompt, drafts))


def _skipped(prompt: JsonObject, drafts: list[list[Draft]]) -> dict[str, int]:
    pending = map(as_object, as_list(prompt.get("pendingInputs")))
    counts = {
        NO_TEXT: drafts.count([]),
        "draft never sent": sum(_body(chunk) is not None for chunk in pending),
    }
    return {reason: number for reason, number in counts.items() if number}


def _instructions(value: JsonObject, title: str | None) -> Iterator[Candidate]:
    raw = value.get("systemInstruction")
    if body := as_text(raw) or _body(as_object(raw)):
        draft = Draft(body, as_time(value.get("createTime")), model=_model(value))
        yield Candidate((draft,), CandidateKind.INSTRUCTIONS, title=title)


def _model(value: JsonObject) -> str | None:
    model = as_text(as_object(value.get("runSettings")).get("model"))
    return model.removeprefix("models/") if model else None


def _turns(chunks: list[JsonValue]) -> Iterator[list[JsonObject]]:
    """Yield the chunks that a person sent at a time: files, and usually one text."""
    known = [chunk for chunk in map(as_object, chunks) if chunk.get("role") in _ROLES]
    for role, turn in groupby(_in_order(known), key=itemgetter("role")):
        if role == "user":
            yield list(turn)


def _in_order(chunks: list[JsonObject]) -> list[JsonObject]:
    """Return *chunks* by time; one without a time follows the one before it."""
    timed = []
    made = _OLDEST
    for chunk in chunks:
        made = as_time(chunk.get("createTime")) or made
        timed.append((made, chunk))
    return [chunk for _, chunk in sorted(timed, key=itemgetter(0))]


def _drafts(turn: list[JsonObject], model: str | None) -> list[Draft]:
    """Return the texts of *turn*; each was typed into its own box."""
    written = [(body, chunk) for chunk in turn if (body := _body(chunk))]
    return [
        Draft(body, as_time(chunk.get("createTime")), as_text(chunk.get("id")), model)
        for body, chunk in written
    ]


def _body(chunk: JsonObject) -> str | None:
    """Return the text of *chunk*; `parts` has the same text in pieces."""
    if chunk.get("isThought"):
        return None
    parts = map(as_object, as_list(chunk.get("parts")))
    pieces = (part.get("text") for part in parts if not part.get("thought"))
    joined = "".join(piece for piece in pieces if isinstance(piece, str))
    return as_text(chunk.get("text")) or as_text(joined)
