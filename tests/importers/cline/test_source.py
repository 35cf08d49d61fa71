"""Tasks of Cline and its forks: what a person typed is imported, tool output is not."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.importers.cline import source as cline
from promptvault.importers.input.candidate import Candidate, Conversation, Item, Skipped
from tests.importers.build import (
    Json,
    archive,
    bodies,
    candidates,
    document,
    failures,
    imported,
    of_json,
    skipped,
)

START = 1772654722000
"""2026-03-04T20:05:22Z, in milliseconds."""
STATE = "<environment_details>\n# VSCode Visible Files\na.py\n</environment_details>"


def said(text: str, say: str = "user_feedback", at: int = 1, **fields: Json) -> Json:
    """Return a row of the chat panel, *at* seconds after the start."""
    return {"ts": START + at * 1000, "type": "say", "say": say, "text": text, **fields}


def asked(about: Json, ask: str = "followup", at: int = 1) -> Json:
    text = about if isinstance(about, str) else json.dumps(about)
    return {"ts": START + at * 1000, "type": "ask", "ask": ask, "text": text}


def panel(*rows: Json) -> list[Item]:
    return list(cline.read(of_json([said("do it", "task", 0), *rows])))


def sent(*rows: Json) -> list[Item]:
    """Return the items of messages as they were sent, each a text or blocks."""
    messages = [{"role": "user", "content": content} for content in rows]
    return list(cline.read(of_json(messages, "api_conversation_history.json")))


def exported(*turns: str) -> bytes:
    """Return an export of a person's *turns*, each answered except the last."""
    between = "---\n\n**Assistant:**\n\nHi.\n\n---\n\n"
    return between.join(f"**User:**\n\n{turn}\n\n" for turn in turns).encode()


def export(*turns: str) -> list[Item]:
    return list(cline.read(document(exported(f"<task>\nx\n</task>\n{STATE}", *turns))))


def test_panel_says_when_and_where() -> None:
    (found,) = candidates(panel())
    (draft,) = found.drafts
    assert draft.created_at == datetime(2026, 3, 4, 20, 5, 22, tzinfo=UTC)
    assert draft.message_id == str(START)
    assert found.opening


@pytest.mark.parametrize("name", ["1772654722000", "0199-uuid"])
def test_folder_of_the_task_is_the_conversation(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "tasks" / name
    folder.mkdir(parents=True)
    rows = [said("do it", "task", 0), said("and this")]
    (folder / "ui_messages.json").write_text(json.dumps(rows))
    found = candidates(imported(tmp_path))
    assert [each.conversation_id for each in found] == [name, name]
    assert [each.opening for each in found] == [True, False]
    found = candidates(imported(folder / "ui_messages.json"))
    assert [each.conversation_id for each in found] == [name, name]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (said("more"), ["more"]),
        (said("mo", partial=True), []),
        (said("more", partial=False), ["more"]),
        (said("{}", "user_feedback_diff"), []),
        (said("an answer", "text"), []),
        (said("thinking", "reasoning"), []),
        (said("output", "command_output"), []),
        (said('{"request": "<task>x</task>"}', "api_req_started"), []),
        (said("Done.", "completion_result"), []),
        (asked({"question": "?", "options": ["Yes"]}), []),
        (asked({"question": "?", "options": ["Yes"], "selected": "Yes"}), ["Yes"]),
        (asked({"response": "?", "selected": "B"}, "plan_mode_respond"), ["B"]),
        (asked('{"selected": '), []),
        (asked('{"selected": ' + "[" * 9000), []),
        (said("PLAN_MODE_TOGGLE_RESPONSE"), []),
        (said("see @/a.py, /plan it"), ["see @/a.py, /plan it"]),
        (said("/newtask with words"), ["/newtask with words"]),
    ],
)
def test_rows_of_the_panel(row: Json, expected: list[str]) -> None:
    assert bodies(panel(row)) == ["do it", *expected]


def test_answer_in_own_words_replaces_the_chosen_one() -> None:
    question = {"question": "?", "selected": "Yes"}
    both = panel(asked(question), said("Yes, two spaces"), said("x", "api_req_started"))
    assert bodies(both) == ["do it", "Yes, two spaces"]
    later = panel(asked(question), said("x", "api_req_started", 2), said("More", at=3))
    assert bodies(later) == ["do it", "Yes", "More"]
    twice = panel(asked(question), asked({"question": "!", "selected": "No"}, at=2))
    assert bodies(twice) == ["do it", "Yes", "No"]


def test_what_holds_no_words_is_counted() -> None:
    image = ["data:image/png;base64,AA=="]
    items = panel(said("", images=image), said(""), said("/compact", at=3))
    assert skipped(items) == [{"no text": 1, "slash command": 1}]


def test_first_text_is_the_task_where_there_is_no_other() -> None:
    rows = [
        said("roo task", "text", 0),
        said("{}", "api_req_started", 1),
        said("an answer", "text", 2),
    ]
    assert bodies(cline.read(of_json(rows))) == ["roo task"]
    rows[0] = said("", "text", 0, images=["data:"])
    items = list(cline.read(of_json(rows)))
    assert bodies(items) == []
    assert skipped(items) == [{"no text": 1}]


def test_task_that_another_task_gave_is_not_a_persons(tmp_path: Path) -> None:
    rows = [said("written by a model", "text", 0), said("typed")]
    (tmp_path / "ui_messages.json").write_text(json.dumps(rows))
    beside = tmp_path / "history_item.json"
    beside.write_text(json.dumps({"id": "b", "parentTaskId": "a", "task": "x"}))
    items = imported(tmp_path / "ui_messages.json")
    assert bodies(items) == ["typed"]
    assert skipped(items) == [{"subagent": 1}]
    beside.write_text("[" * 99999)
    assert bodies(imported(tmp_path / "ui_messages.json"))[0] == rows[0]["text"]


def test_damaged_row_does_not_sink_the_others() -> None:
    good = [json.dumps(said(text, at=n)) for n, text in enumerate(["a", "b"])]
    data = f"[{good[0]}, {{bad}}, 7, {good[1]}]".encode()
    items = list(cline.read(document(data, "ui_messages.json")))
    assert bodies(items) == ["a", "b"]
    assert [each.where for each in failures(items)] == [
        "ui_messages.json, message 2",
        "ui_messages.json, message 3",
    ]


def block(text: str) -> Json:
    return {"type": "text", "text": text}


def result(content: Json) -> Json:
    return {"type": "tool_result", "tool_use_id": "1", "content": content}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<task>\nin a string\n</task>", ["in a string"]),
        ([block("<task>one line</task>"), block(STATE)], ["one line"]),
        ([block(f"bare words\n{STATE}")], ["bare words"]),
        ([result("<answer>\nnested\n</answer>"), block(STATE)], ["nested"]),
        ([result([block("<user_message>\nnested\n</user_message>")])], ["nested"]),
        (
            [result("The user denied this.\n<feedback>\nno\n</feedback>")],
            ["no"],
        ),
        ([result('{"status":"denied","feedback":"not so"}')], ["not so"]),
        ([result('{"status":"denied","feedback":')], []),
        ([result("some file\n<task>\nin it\n</task>")], []),
        (
            [
                block("[execute_command for 'ls'] Result:"),
                block("Command is still running.\n<task>\nx\n</task>\n"),
                block("The user provided the following feedback:"),
                block("<feedback>\nstop it\n</feedback>"),
            ],
            ["stop it"],
        ),
        ([block("[read_file for 'a'] Result:"), block("<answer>\nx\n</answer>")], []),
        ([block("[read_file for 'a'] Result:\nx"), block(STATE)], []),
        ([block("[ERROR] You did not use a tool!\n\nRetry."), block(STATE)], []),
        (
            [block("<feedback>\na\n</feedback>"), block("<answer>\nb\n</answer>")],
            ["a", "b"],
        ),
        ([{"type": "image", "source": {"data": "AA=="}}, None, 7], []),
        ({"no": "list"}, []),
        (None, []),
    ],
)
def test_messages_as_they_were_sent(content: Json, expected: list[str]) -> None:
    assert bodies(sent(f"<task>\nx\n</task>\n{STATE}", content)) == ["x", *expected]


def test_messages_of_roo_in_a_wrapper() -> None:
    output = {"type": "text", "value": "<user_message>\nmore\n</user_message>"}
    answer = {"type": "tool-result", "toolName": "x", "output": output}
    rows = [
        {"role": "user", "content": f"<user_message>\ndo it\n</user_message>\n{STATE}"},
        {"role": "assistant", "content": "<task>\nno\n</task>", "isSummary": False},
        {"role": "tool", "content": [answer]},
        {"role": "user", "content": "<task>\nno\n</task>", "isSummary": True},
    ]
    wrapped = of_json({"version": 2, "messages": rows})
    assert cline.probe(wrapped)
    assert bodies(cline.read(wrapped)) == ["do it", "more"]


def terminal(*contents: Json) -> list[Item]:
    """Return the items of a session of the terminal program."""
    rows = [
        {"id": f"m{n}", "ts": START + n, "role": "user", "content": content}
        for n, content in enumerate(contents)
    ]
    session = of_json({"version": 1, "messages": rows}, "1_a/1_a.messages.json")
    assert cline.probe(session)
    return list(cline.read(session))


NOTICE = "<mode_notice>The user switched to plan mode.</mode_notice>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([block('<user_input mode="act">do it</user_input>')], ["do it"]),
        (f'<user_input mode="plan">{NOTICE}\na\nb</user_input>', ["a\nb"]),
        (f'{NOTICE}<user_input mode="plan">a</user_input>', ["a"]),
        ([block("no tags at all")], ["no tags at all"]),
        ([block("<user_input>a <b> c</user_input>")], ["a <b> c"]),
        (
            [
                block('<user_input mode="act">a</user_input>'),
                block('<file_content path="x">\nb\n</file_content>'),
            ],
            ["a"],
        ),
        ([result([{"query": "x", "result": "y", "success": True}])], []),
        ([result("Skill loaded.")], []),
        ([block('<user_command slash="team">x</user_command>')], []),
        ([block('<user_input mode="act"></user_input>')], []),
    ],
)
def test_sessions_of_the_program_for_terminals(
    content: Json, expected: list[str]
) -> None:
    items = terminal('<user_input mode="act">first</user_input>', content)
    assert bodies(items) == ["first", *expected]
    found = candidates(items)
    assert [each.drafts[0].message_id for each in found] == ["m0", "m1"][: len(found)]
    assert {each.conversation_id for each in found} == {"1_a"}


def test_model_that_answers_is_kept() -> None:
    about = {"modelInfo": {"providerId": "p", "modelId": "m-1", "mode": "act"}}
    items = panel(said("more", at=1), said("Hi.", "text", 2, **about))
    assert [each.drafts[0].model for each in candidates(items)] == [None, "m-1"]


def test_long_task_is_handed_over_prompt_by_prompt() -> None:
    reading = cline.read(of_json([said(str(n), at=n) for n in range(5)]))
    first, second, *others = reading
    assert isinstance(first, Conversation)
    assert [each.opening for each in first.candidates] == [True]
    assert isinstance(second, Candidate)
    assert bodies([first, second, *others]) == ["0", "1", "2", "3", "4"]
    assert not any(isinstance(each, Conversation) for each in others)


def test_what_is_left_out_of_a_long_task_is_counted() -> None:
    rows = [said("", at=3, images=["x"]), said("/compact", at=4), said("b", at=5)]
    items = panel(said("a"), said("a2", at=2), *rows)
    assert [each for each in items if isinstance(each, Skipped)] == [
        Skipped("no text", 1),
        Skipped("slash command", 1),
    ]


def test_prompt_of_many_megabytes_is_left_out() -> None:
    pasted = "a line of a log\n" * 1_200_000
    items = export(f"<feedback>\n{pasted}\n</feedback>", "<answer>\nb\n</answer>")
    assert bodies(items) == ["x", "b"]
    assert skipped(items) == [{"too long": 1}]


@pytest.mark.parametrize(
    ("shown", "typed"),
    [
        ("see 'src/a b.py' (see below for file content)", "see @/src/a b.py"),
        ("in 'src/' (see below for folder content).", "in @/src/."),
        ("'http://a.b' (see below for site content)", "@http://a.b"),
        ("Workspace Problems (see below for diagnostics)!", "@problems!"),
        ("Git commit 'abc1234' (see below for commit info)", "@abc1234"),
        ("Command 'fix' (see below for command content) it", "/fix it"),
        ("it's 'quoted' (see below)", "it's 'quoted' (see below)"),
    ],
)
def test_mentions_are_as_they_were_typed(shown: str, typed: str) -> None:
    looked_up = '<file_content path="a">\n<task>\nnot typed\n</task>\n</file_content>'
    items = sent([block(f"<task>\n{shown}\n</task>\n\n{looked_up}"), block(STATE)])
    assert bodies(items) == [typed]


def test_slash_command_is_recognized_by_its_expansion() -> None:
    asked_for = '<explicit_instructions type="condense">\nCondense <task>!\n'
    asked_for += "</explicit_instructions>\n"
    items = sent([block(f"{asked_for}<task>\n\n</task>"), block(STATE)])
    assert bodies(items) == []
    assert skipped(items) == [{"slash command": 1}]


@pytest.mark.parametrize(
    ("shown", "hour"),
    [
        ("3/4/2026, 3:05:22 PM (America/New_York, UTC-5:00)", 20),
        ("3/4/2026, 3:05:22\u202fPM (Asia/Kolkata, UTC+5:30)", 9),
        ("3/4/2026, 3:05:22 PM (Europe/London, UTC+0:00)", 15),
        ("Current time in ISO 8601 UTC format: 2026-03-04T20:05:22.000Z", 20),
        ("2026-03-04T20:05:22+02:00", 18),
        ("4.3.2026, 15:05:22 (Europe/Berlin, UTC+1:00)", None),
        ("99/99/2026, 3:05:22 PM (Mars, UTC+99:00)", None),
    ],
)
def test_time_that_the_state_of_the_editor_tells(shown: str, hour: int | None) -> None:
    state = f"<environment_details>\n\n# Current Time\n{shown}\n</environment_details>"
    (found,) = candidates(sent(f"<task>\nx\n</task>\n{state}"))
    made = found.drafts[0].created_at
    assert (made and made.hour) == hour


def test_sent_messages_are_skipped_next_to_the_panel(tmp_path: Path) -> None:
    shown, told = [said("shown", "task", 0)], f"<task>\nsent\n</task>\n{STATE}"
    history = [{"role": "user", "content": told}]
    files = {
        "tasks/1/ui_messages.json": json.dumps(shown).encode(),
        "tasks/1/api_conversation_history.json": json.dumps(history).encode(),
        "tasks/2/api_conversation_history.json": json.dumps(history).encode(),
        "tasks/1/task_metadata.json": b'{"files_in_context": [], "model_usage": []}',
        "state/taskHistory.json": b'[{"id": "1", "ts": 1, "task": "shown"}]',
    }
    path = tmp_path / "tasks.zip"
    path.write_bytes(archive(files))
    found = {each.conversation_id: each for each in candidates(imported(path))}
    assert {key: each.drafts[0].body for key, each in found.items()} == {
        "1": "shown",
        "2": "sent",
    }


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ("<feedback>\nmore\n\nof it\n</feedback>", ["more\n\nof it"]),
        ("<answer>\na\n---\n**User:**\nb\n</answer>", ["a\n---\n**User:**\nb"]),
        (f"bare\n{STATE}", ["bare"]),
        (f"bare\n[Image]\n{STATE}", ["bare"]),
        ("bare, but no state of an editor", []),
        ("[Tool]\n<answer>\nnative\n</answer>", ["native"]),
        ("[Tool (Error)]\nsome output", []),
        (f"[read_file for 'a\nb'] Result:\n<task>\nx\n</task>\n{STATE}", []),
        ("[read_file for 'a'] Result:\n---\n\n**User:** no\n\n---\n**User:**\n\nx", []),
        (f"[TASK RESUMPTION] It was interrupted.\n\nNote: x\n{STATE}", []),
        (
            "[TASK RESUMPTION] It was interrupted.\n\nNew instructions for task "
            f"continuation:\n<user_message>\ngo on\n</user_message>\n{STATE}",
            ["go on"],
        ),
        (f"{STATE}\n[TASK RESUMPTION] It was.\n{STATE}", []),
    ],
)
def test_turns_of_an_export(turn: str, expected: list[str]) -> None:
    assert bodies(export(turn)) == ["x", *expected]
    assert bodies(export(turn, "<feedback>\nz\n</feedback>")) == ["x", *expected, "z"]


@pytest.mark.parametrize("fork", ["cline", "roo", "kilo", "bob"])
def test_name_of_an_export_is_the_conversation(fork: str) -> None:
    name = f"{fork}_task_mar-4-2026_3-05-22-pm"
    data = exported(f"<task>\nx\n</task>\n{STATE}")
    (found,) = candidates(cline.read(document(data, f"old/{name} (1).md")))
    assert found.conversation_id == name
    assert found.drafts[0].created_at is None
    (other,) = candidates(cline.read(document(data, "renamed.md")))
    assert other.conversation_id
    assert other.opening


def test_cut_off_prompt_is_reported() -> None:
    data = exported(f"<task>\nx\n</task>\n{STATE}", "<feedback>\nmore")
    items = list(cline.read(document(data, "a.md")))
    assert bodies(items) == ["x"]
    assert [each.reason for each in failures(items)] == ["a prompt is cut off"]


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": "hello"}],
        [{"role": "user", "content": "<task>\nSum up.\n</task>"}],
        [{"role": "user", "content": [block("hello")]}],
        {"messages": [{"role": "user", "content": "hello"}]},
        [{"type": "say", "text": "x"}],
        [{"type": "user", "ts": 1, "text": "x"}],
    ],
)
def test_messages_of_others_are_not_claimed(value: Json) -> None:
    assert not cline.probe(of_json(value))


@pytest.mark.parametrize(
    "data",
    [
        b"**User:**\n\nhello\n\n---\n\n**Assistant:**\n\nHi.\n",
        b"# Notes\n\n**User:**\n\n<task>\nx\n</task>\n",
        b"**User**\n\n<task>\nx\n</task>\n",
        b"",
    ],
)
def test_text_of_others_is_not_claimed(data: bytes) -> None:
    assert not cline.probe(document(data))


@given(st.lists(st.sampled_from(["typed", "a\n---\nb", "ö"]), max_size=5), st.data())
def test_whatever_tools_give_back_stays_out(
    said: list[str], data: st.DataObject
) -> None:
    noise = st.sampled_from(
        ["---", "", "**User:** x", "</feedback>", "[Image]", "<task>", "{", "```"]
    )
    turns = []
    for text in said:
        output = "\n".join(data.draw(st.lists(noise, max_size=6)))
        turns.append(f"[read_file for 'a'] Result:\n{output}\n{STATE}")
        turns.append(f"[attempt_completion] Result:\n<feedback>\n{text}\n</feedback>")
    assert bodies(export(*turns)) == ["x", *said]


# The store of version 4


def stored(agent: str = "lead", **fields: Json) -> bytes:
    text = '<user_input mode="act">Add an endpoint</user_input>'
    row = {"id": "m1", "role": "user", "content": [{"type": "text", "text": text}]}
    result = {"id": "m2", "role": "user", "content": [{"type": "tool_result"}]}
    messages = [{**each, "ts": 1787000000000} for each in (row, result)]
    value = {"version": 1, "updated_at": "2026", "agent": agent, **fields}
    return json.dumps({**value, "messages": messages}).encode()


def test_a_stored_session_has_the_title_of_its_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "1_ab"
    folder.mkdir()
    about = {"session_id": "1_ab", "prompt": "Add", "metadata": {"title": "Endpoint"}}
    (folder / "1_ab.json").write_text(json.dumps(about))
    (folder / "1_ab.messages.json").write_bytes(stored())
    (one,) = candidates(imported(tmp_path))
    assert (one.conversation_id, one.conversation_title) == ("1_ab", "Endpoint")


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (stored("sub_9"), "sub_9.messages.json", "subagent"),
        (stored(source_message_count=9), "1.compaction.json", "copy for the model"),
        (stored(origin={"parentThreadId": "1"}), "2.messages.json", "subagent"),
    ],
)
def test_messages_of_agents_and_copies_are_left_out(
    data: bytes, name: str, reason: str
) -> None:
    stored_file = document(data, name)
    assert cline.probe(stored_file)
    (item,) = cline.read(stored_file)
    assert isinstance(item, Skipped)
    assert item.reason == reason
