"""Made-up Codex sessions with known prompts."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.peer_data import Record, Talk, Truth, uuid

_IDE = "# Context from my IDE setup:\n\n## Open tabs:\n\n## My request for Codex:\n"
_AGENTS = "# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\n{}\n</INSTRUCTIONS>"
_CONTEXT = "<environment_context>\n  <cwd>/w</cwd>\n</environment_context>"
_NOTICES = (
    "<turn_aborted>\n{}\n</turn_aborted>",
    "<skill>\n<name>deploy</name>\n{}\n</skill>",
    "<user_shell_command>\n<command>\n{}\n</command>\n</user_shell_command>",
    "<subagent_notification>{}</subagent_notification>",
)


def write_codex(folder: Path, seed: int, count: int) -> Truth:
    """Write a sessions folder of *count* sessions; about 330 KB each.

    Every fourth session is a subagent's; one in eight prompts is taken back, one in six
    is sent from an editor, one in six is followed by what the client adds.
    """
    talk = Talk(seed)
    for number in range(1, count + 1):
        day = folder / "2026" / "05" / f"{number % 28 + 1:02}"
        day.mkdir(parents=True, exist_ok=True)
        session = _Session(talk, number)
        path = day / f"rollout-2026-05-01T10-00-00-{session.name}.jsonl"
        with path.open("w") as file:
            for second, (kind, payload) in enumerate(session.records()):
                time = f"2026-05-01T10:{second // 60:02}:{second % 60:02}.000Z"
                row = {"timestamp": time, "type": kind, "payload": payload}
                file.write(json.dumps(row, separators=(",", ":")) + "\n")
    return talk.truth


class _Session:
    """One session: its records, in pairs of kind and payload."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        self._number = number
        self._is_subagent = number % 4 == 0
        self.name = uuid(number)

    def records(self) -> Iterator[tuple[str, Record]]:
        """Yield the records of the session."""
        meta: Record = {"id": self.name, "cwd": "/w", "source": "cli"}
        if self._is_subagent:
            parent = {"parent_thread_id": uuid(self._number - 1)}
            meta["source"] = {"subagent": {"thread_spawn": parent}}
        yield "session_meta", meta
        yield _message("user", _AGENTS.format(self._talk.words(60)), _CONTEXT)
        for turn in range(16):
            yield from self._turn(turn)

    def _turn(self, turn: int) -> Iterator[tuple[str, Record]]:
        name = uuid(self._number, 1, turn)
        yield "event_msg", {"type": "task_started", "turn_id": name}
        yield "turn_context", {"turn_id": name, "cwd": "/w", "model": "gpt-5.6"}
        is_taken_back = not self._is_subagent and self._talk.one_in(8)
        said = self._said(wanted=not is_taken_back)
        text = _IDE + said if self._talk.one_in(6) else said
        yield _message("user", text)
        yield "event_msg", {"type": "user_message", "message": text, "images": []}
        if self._talk.one_in(6):
            notice = _NOTICES[turn % len(_NOTICES)]
            yield _message("user", notice.format(self._talk.words(20)))
        yield from self._work(6, turn)
        if is_taken_back:
            yield "event_msg", {"type": "thread_rolled_back", "num_turns": 1}

    def _said(self, *, wanted: bool) -> str:
        if self._is_subagent:
            return self._talk.words(80)
        return self._talk.prompt(wanted=wanted)

    def _work(self, steps: int, turn: int) -> Iterator[tuple[str, Record]]:
        """An answer with *steps* calls of tools and their results."""
        for step in range(steps):
            sealed = self._talk.words(150).replace(" ", "")
            yield "response_item", {"type": "reasoning", "encrypted_content": sealed}
            call = {"call_id": f"call_{turn}_{step}"}
            words = json.dumps({"command": ["bash", "-lc", self._talk.words(10)]})
            yield (
                "response_item",
                {"type": "function_call", "name": "shell", "arguments": words, **call},
            )
            output = json.dumps({"output": self._talk.words(200)})
            result = {"type": "function_call_output", "output": output, **call}
            yield "response_item", result
            yield "event_msg", {"type": "token_count", "info": None}
        answer = self._talk.words(80)
        yield _message("assistant", answer)
        yield "event_msg", {"type": "agent_message", "message": answer}


def _message(role: str, *texts: str) -> tuple[str, Record]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return "response_item", {"type": "message", "role": role, "content": content}
