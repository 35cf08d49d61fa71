"""Made-up files of three sources with known prompts.

The shares of difficult cases are those of ordinary use: most prompts are plain, one in
eight is edited, one in ten has an image, a paste or a note of the client.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.data import Writer

Record = dict[str, Any]

_UNSUPPORTED = "```\nThis block is not supported on your current device yet.\n```"
_DAMAGED = {"id": "damaged", "conversation_id": "damaged"}
_ZERO = "00000000-0000-4000-8000-000000000000"


@dataclass
class Truth:
    """Texts that a person typed; all other text in the files is a machine's."""

    wanted: set[str] = field(default_factory=set)
    """Prompts on the current branch of the conversations: all must be found."""
    other: set[str] = field(default_factory=set)
    """Drafts, abandoned branches, commands, instructions: these may be found."""


class Talk(Writer):
    """Generates texts of people and machines from a seed, and records both."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random.seed(seed)
        self.truth = Truth()

    def one_in(self, count: int) -> bool:
        """Return True once in *count* times."""
        return self._random.randrange(count) == 0

    def shuffled(self, rows: dict[str, Record]) -> dict[str, Record]:
        """Return *rows* in another order."""
        return dict(self._random.sample(list(rows.items()), len(rows)))

    def prompt(self, wanted: bool = True, words: int = 40) -> str:
        """Return a typed text, and record it; one in four has several lines."""
        said = f"{self.words(words).capitalize()}?"
        if self.one_in(4):
            said += f"\n\n```\n{self.words(8)}\n```\nNaïve: {self.words(5)}!"
        (self.truth.wanted if wanted else self.truth.other).add(said)
        return said


def uuid(*numbers: int) -> str:
    """Return an id made of up to three numbers."""
    first, second, third = (*numbers, 0, 0)[:3]
    return f"{first:08x}-{second % 65_536:04x}-4000-8000-{third:012x}"


def write_chatgpt(path: Path, seed: int, count: int, damaged: bool) -> Truth:
    """Write `conversations.json` of *count* conversations; about 30 KB each.

    *damaged* adds one in the middle that has lost its messages.
    """
    talk = Talk(seed)
    about, how = talk.prompt(wanted=False), talk.prompt(wanted=False)
    chats = (_ChatGPT(talk, n).chat(about, how) for n in range(1, count + 1))
    _write(path, _broken(chats, count // 2) if damaged else chats)
    return talk.truth


def _broken(chats: Iterator[Record], middle: int) -> Iterator[Record]:
    for number, chat in enumerate(chats):
        if number == middle:
            yield {key: chat[key] for key in chat if key != "mapping"} | _DAMAGED
        yield chat


def _write(path: Path, values: Iterator[Record]) -> None:
    with path.open("w") as file:
        for number, value in enumerate(values):
            file.write(", " if number else "[")
            file.write(json.dumps(value))
        file.write("]")


class _ChatGPT:
    """One conversation of a ChatGPT export."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        self._number = number
        self._start = 1_700_000_000 + 1_000 * number
        self._nodes: dict[str, Record] = {}
        self._last: str | None = None

    def chat(self, about: str, how: str) -> Record:
        self._node(None)
        self._say("system", {"content_type": "text", "parts": [""]}, hidden=True)
        if self._number % 3 == 0:
            self._context(about, how)
        if self._number % 5 == 0:
            self._text(
                "user", f"Files of the user: {self._talk.words(30)}", hidden=True
            )
        for _ in range(9):
            self._turn()
        return {
            "id": uuid(self._number),
            "conversation_id": uuid(self._number),
            "title": self._talk.words(4),
            "create_time": self._start,
            "update_time": self._start + len(self._nodes),
            "mapping": self._talk.shuffled(self._nodes),
            "moderation_results": [],
            "current_node": self._last,
            "gizmo_id": None,
            "is_archived": False,
            "default_model_slug": "gpt-4o",
        }

    def _turn(self) -> None:
        before = self._last
        if self._talk.one_in(8):
            self._text("user", self._talk.prompt(wanted=False))
            self._text("assistant", self._talk.words(240))
            self._last = before
        self._typed()
        if self._talk.one_in(5):
            code = {"content_type": "code", "language": "python"}
            self._say("assistant", {**code, "text": self._talk.words(40)}, to="python")
            result = {"content_type": "execution_output", "text": self._talk.words(60)}
            self._say("tool", result)
        self._text("assistant", self._talk.words(240))

    def _typed(self) -> None:
        typed = self._talk.prompt()
        if self._talk.one_in(10):
            image = {"content_type": "image_asset_pointer", "asset_pointer": "sediment"}
            parts = [{**image, "width": 9, "height": 9, "size_bytes": 9}, typed]
            self._say("user", {"content_type": "multimodal_text", "parts": parts})
        elif self._number % 20 == 19:
            spoken = {"content_type": "audio_transcription", "direction": "in"}
            parts = [{**spoken, "text": typed, "decoding_id": None}]
            self._say("user", {"content_type": "multimodal_text", "parts": parts})
        else:
            self._text("user", typed)

    def _context(self, about: str, how: str) -> None:
        content = {
            "content_type": "user_editable_context",
            "user_profile": f"The user provided this profile:\n```{about}```",
            "user_instructions": f"The user provided these instructions:\n```{how}```",
        }
        self._say("user", content, hidden=True)

    def _text(self, role: str, said: str, *, hidden: bool = False) -> None:
        self._say(role, {"content_type": "text", "parts": [said]}, hidden=hidden)

    def _say(
        self, role: str, content: Record, *, hidden: bool = False, to: str = "all"
    ) -> None:
        metadata: Record = {"request_id": uuid(self._number), "timestamp_": "absolute"}
        if hidden:
            metadata["is_visually_hidden_from_conversation"] = True
        if role == "assistant":
            metadata["model_slug"] = "gpt-4o"
        message = {
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": float(self._start + len(self._nodes)),
            "update_time": None,
            "content": content,
            "status": "finished_successfully",
            "end_turn": role == "assistant",
            "weight": 1.0,
            "metadata": metadata,
            "recipient": to,
            "channel": None,
        }
        self._node(message)

    def _node(self, message: Record | None) -> None:
        name = uuid(self._number, 1, len(self._nodes))
        if message:
            message["id"] = name
        if self._last:
            self._nodes[self._last]["children"].append(name)
        row: Record = {
            "id": name,
            "message": message,
            "parent": self._last,
            "children": [],
        }
        self._nodes[name] = row
        self._last = name


def write_claude(path: Path, seed: int, count: int) -> Truth:
    """Write Claude's `conversations.json` of *count* chats; about 28 KB each."""
    talk = Talk(seed)
    _write(path, (_Claude(talk, n).chat() for n in range(1, count + 1)))
    return talk.truth


class _Claude:
    """One chat of a Claude.ai export."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        self._number = number
        self._messages: list[Record] = []
        self._last = _ZERO

    def chat(self) -> Record:
        for _ in range(10):
            before = self._last
            if self._talk.one_in(8):
                self._human(self._talk.prompt(wanted=False))
                self._answer()
                self._last = before
            self._typed()
            self._answer()
        return {
            "uuid": uuid(self._number),
            "name": self._talk.words(4),
            "summary": "",
            "created_at": self._messages[0]["created_at"],
            "updated_at": self._messages[-1]["created_at"],
            "account": {"uuid": uuid(7, 7, 7)},
            "chat_messages": self._messages,
        }

    def _typed(self) -> None:
        said = self._talk.prompt()
        if self._talk.one_in(20):
            self._human("", pasted=said)
        elif self._talk.one_in(20):
            self._human(said, pasted=self._talk.words(300))
        elif self._talk.one_in(40):
            note = {"type": "injected_prompt_block", "text": self._talk.words(30)}
            blocks = [self._block(said), note]
            self._say("human", f"{said}\n\n{_UNSUPPORTED}", blocks, [])
        else:
            self._human(said)

    def _human(self, said: str, pasted: str | None = None) -> None:
        file = {"file_name": "paste.txt", "file_type": "txt", "file_size": 9}
        files = [{**file, "extracted_content": pasted}] if pasted else []
        self._say("human", said, [self._block(said)], files)

    def _answer(self) -> None:
        said = self._talk.words(170)
        blocks = [self._block(said)]
        if self._talk.one_in(7):
            thought = {"type": "thinking", "thinking": self._talk.words(60)}
            blocks.insert(0, {**thought, "summaries": [], "cut_off": False})
            self._say("assistant", f"{_UNSUPPORTED}\n\n{said}", blocks, [])
        else:
            self._say("assistant", said, blocks, [])

    def _block(self, said: str) -> Record:
        return {"type": "text", "text": said, "citations": [], "flags": None}

    def _say(
        self, sender: str, said: str, blocks: list[Record], attachments: list[Record]
    ) -> None:
        place = len(self._messages)
        day, hour = divmod(self._number, 24)
        made = f"2026-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}T{hour:02}"
        made += f":{place:02}:00.{self._number:06}Z"
        name = uuid(self._number, 1, place + 1)
        message = {
            "uuid": name,
            "text": said,
            "content": blocks,
            "sender": sender,
            "created_at": made,
            "updated_at": made,
            "attachments": attachments,
            "files": [],
            "parent_message_uuid": self._last,
        }
        self._messages.append(message)
        self._last = name
