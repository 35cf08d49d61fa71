"""Made-up Claude Code sessions with known prompts."""

import json
from pathlib import Path

from tests.benchmarks.peer_data import Record, Talk, Truth, uuid

_CONTINUED = (
    "This session is being continued from a previous conversation that ran out of "
    "context. The summary is below:\n"
)


def write_claude_code(folder: Path, seed: int, count: int) -> Truth:
    """Write a projects folder of *count* sessions; about 330 KB each.

    Every fourth session has a subagent, every fifth is compacted; one in eight
    prompts is taken back, one in six is queued while the agent is at work.
    """
    talk = Talk(seed)
    for number in range(1, count + 1):
        project = folder / f"-home-me-project{number % 8}"
        project.mkdir(parents=True, exist_ok=True)
        session = _Session(talk, number)
        _write(project / f"{session.name}.jsonl", session.records())
        if number % 4 == 0:
            agents = project / session.name / "subagents"
            agents.mkdir(parents=True)
            _write(agents / f"agent-{number:08x}.jsonl", session.subagent())
    return talk.truth


def _write(path: Path, records: list[Record]) -> None:
    with path.open("w") as file:
        file.writelines(
            json.dumps(row, separators=(",", ":")) + "\n" for row in records
        )


class _Session:
    """One session: its records, each of which names the one before."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        self._number = number
        self._records: list[Record] = []
        self._last: str | None = None
        self._agent: str | None = None
        self._said = ""
        self.name = uuid(number)

    def records(self) -> list[Record]:
        """Return the records of the session itself."""
        snapshot = {"messageId": uuid(self._number, 9), "trackedFileBackups": {}}
        self._note("file-history-snapshot", snapshot=snapshot, isSnapshotUpdate=False)
        for turn in range(16):
            if turn == 8 and self._number % 5 == 0:
                self._compact()
            self._turn()
        self._note("ai-title", aiTitle=self._talk.words(4))
        self._note("last-prompt", lastPrompt=self._said, leafUuid=self._last)
        return self._records

    def subagent(self) -> list[Record]:
        """Return the records of a subagent, whose prompt the agent wrote."""
        self._records, self._last = [], None
        self._agent = f"{self._number:08x}"
        self._user(self._talk.words(80))
        self._work(12)
        return self._records

    def _turn(self) -> None:
        before = self._last
        if self._talk.one_in(8):
            self._user(self._talk.prompt(wanted=False))
            self._work(1)
            self._last = before
        if self._talk.one_in(12):
            self._command()
        self._said = self._talk.prompt()
        if self._talk.one_in(10):
            reminder = f"<system-reminder>\n{self._talk.words(30)}\n</system-reminder>"
            self._user([_text(reminder), _text(self._said)])
        else:
            self._user(self._said)
        self._work(3)
        if self._talk.one_in(6):
            self._queued(self._talk.prompt())
        self._work(3)

    def _command(self) -> None:
        """A slash command, what the client makes of it, and what it prints."""
        words = self._talk.prompt(wanted=False, words=10)
        self._talk.truth.other.add(f"/review {words}")
        name = "<command-name>/review</command-name>"
        message = "<command-message>review</command-message>"
        self._user(f"{name}\n{message}\n<command-args>{words}</command-args>")
        self._user([_text(self._talk.words(120))], isMeta=True)
        output = self._talk.words(10)
        self._user(f"<local-command-stdout>{output}</local-command-stdout>")

    def _queued(self, said: str) -> None:
        self._note("queue-operation", operation="enqueue", content=said)
        self._work(1)
        self._note("queue-operation", operation="remove")
        queued = {"type": "queued_command", "prompt": said, "commandMode": "prompt"}
        self._record("attachment", attachment=queued)

    def _compact(self) -> None:
        self._record("system", subtype="compact_boundary", content="Compacted")
        summary = _CONTINUED + self._talk.words(400)
        self._user(summary, isCompactSummary=True, isVisibleInTranscriptOnly=True)

    def _work(self, steps: int) -> None:
        """An answer with *steps* tool calls and their results."""
        for _ in range(steps):
            tool = f"toolu_{self._number:06}{len(self._records):06}"
            call: Record = {"type": "tool_use", "id": tool, "name": "Bash"}
            call["input"] = {"command": self._talk.words(6)}
            self._assistant([_text(self._talk.words(60)), call])
            output = {"type": "bash_progress", "output": self._talk.words(60)}
            self._record("progress", data=output, toolUseID=tool)
            said = self._talk.words(100)
            result = {"type": "tool_result", "tool_use_id": tool, "content": said}
            outcome = {"stdout": said, "stderr": "", "interrupted": False}
            self._user([result], toolUseResult=outcome)
        self._assistant([_text(self._talk.words(60))])

    def _assistant(self, blocks: list[Record]) -> None:
        message = {
            "id": f"msg_{self._number:06}{len(self._records):06}",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "content": blocks,
            "stop_reason": None,
            "usage": {"input_tokens": 9, "output_tokens": 9},
        }
        self._record("assistant", message=message, requestId="req_1")

    def _user(self, content: str | list[Record], **more: object) -> None:
        self._record("user", message={"role": "user", "content": content}, **more)

    def _note(self, kind: str, **more: object) -> None:
        """Add a record that is not part of the chain."""
        row = {"type": kind, "sessionId": self.name, "timestamp": self._time()}
        self._records.append({**row, **more})

    def _record(self, kind: str, **more: object) -> None:
        agent = {"agentId": self._agent} if self._agent else {}
        place = len(self._records) + 1
        row = {
            "parentUuid": self._last,
            "isSidechain": bool(agent),
            **agent,
            "userType": "external",
            "cwd": f"/home/me/project{self._number % 8}",
            "sessionId": self.name,
            "version": "2.1.120",
            "gitBranch": "main",
            "type": kind,
            **more,
            "uuid": uuid(self._number, 2 if agent else 1, place),
            "timestamp": self._time(),
        }
        self._records.append(row)
        self._last = str(row["uuid"])

    def _time(self) -> str:
        minute, second = divmod(len(self._records), 60)
        day = self._number % 28 + 1
        return f"2026-05-{day:02}T{self._number // 28:02}:{minute:02}:{second:02}.000Z"


def _text(said: str) -> Record:
    return {"type": "text", "text": said}
