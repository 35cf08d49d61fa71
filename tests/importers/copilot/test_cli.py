"""Copilot CLI: what was typed in the events of a session."""

from promptvault.importers.copilot import cli
from promptvault.importers.input.candidate import CandidateKind
from promptvault.importers.input.document import Document
from promptvault.importers.input.field import as_time
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    document,
    of_json,
    of_lines,
    skipped,
)


def event(kind: str, number: int, /, **data: Json) -> Json:
    time = f"2026-03-12T12:36:{number:02}.000Z"
    return {"type": kind, "data": data, "id": f"e{number}", "timestamp": time}


def said(text: str, number: int, /, **data: Json) -> Json:
    return event("user.message", number, content=text, **data)


def session(*events: Json) -> Document:
    start = event("session.start", 0, sessionId="s1", producer="copilot-agent")
    return of_lines([start, *events])


def test_ids_times_title_and_model() -> None:
    document = session(
        event("session.model_change", 1, newModel="gpt-5"),
        said("one", 2),
        event("session.title_changed", 3, title="Counting"),
    )
    (only,) = candidates(cli.read(document))
    assert (only.conversation_id, only.conversation_title) == ("s1", "Counting")
    (draft,) = only.drafts
    assert (draft.message_id, draft.model) == ("e2", "gpt-5")
    assert draft.created_at == as_time("2026-03-12T12:36:02Z")


def test_model_that_only_the_end_names() -> None:
    end = event("session.shutdown", 2, currentModel="gpt-5")
    (only,) = candidates(cli.read(session(said("one", 1), end)))
    assert only.drafts[0].model == "gpt-5"


def test_messages_of_skills_subagents_and_shell_commands() -> None:
    items = list(
        cli.read(
            session(
                said("do it", 1, source="skill-x"),
                said('<skill-context name="x">do it</skill-context>', 2),
                {**said("look around", 3), "agentId": "a1"},
                said("ls", 4, agentMode="shell"),
                said("one", 5, source="user", agentMode="plan"),
                said("", 6, attachments=[{"type": "file"}]),
            )
        )
    )
    assert bodies(items) == ["one"]
    assert skipped(items) == [{"no text": 1, "subagent": 1, "shell command": 1}]


def test_command_with_arguments() -> None:
    items = list(cli.read(session(said("/fleet add tests", 1), said("/clear", 2))))
    assert bodies(items, CandidateKind.COMMAND) == ["/fleet add tests"]
    assert skipped(items) == [{"slash command": 1}]


def test_session_of_2025_prefers_what_was_shown() -> None:
    value = {
        "sessionId": "s1",
        "startTime": "2025-10-08T21:10:16.398Z",
        "chatMessages": [{"role": "user", "content": "<current_datetime/> one"}],
        "timeline": [
            {"type": "info", "text": "no"},
            {"type": "user", "text": "one", "timestamp": "2025-10-08T21:11:00Z"},
        ],
    }
    (only,) = candidates(cli.read(of_json(value)))
    assert only.drafts[0].body == "one"
    assert only.drafts[0].created_at == as_time("2025-10-08T21:11:00Z")


def test_other_logs_of_events_are_not_claimed() -> None:
    other = {"type": "user.message", "data": {"content": "a"}, "timestamp": 1}
    assert not cli.probe(of_lines([other]))
    assert not cli.probe(document(b'{"type": "message", "data": {}, "id": 1}'))
