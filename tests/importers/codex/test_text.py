"""What a person typed in a Codex message."""

import pytest

from promptvault.importers.codex.text import parse_content
from tests.importers.build import Json

AGENTS = "# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>"
CONTEXT = "<environment_context>\n  <cwd>/w</cwd>\n</environment_context>"


@pytest.mark.parametrize(
    "text",
    [
        AGENTS,
        AGENTS.replace(" for /w", ""),
        "# AGENTS.md instructions for C:\\Users\\me\n\n- Use tabs.",
        CONTEXT,
        f"{AGENTS}\n{CONTEXT}",
        "<user_instructions>\n\nUse tabs.\n\n</user_instructions>",
        "<permissions instructions>\nAsk.\n</permissions instructions>",
        "<turn_aborted>\nThe user interrupted the turn.",
        "<skill>\n<name>deploy</name>\nRun it.\n</skill>",
        '<subagent_notification>{"agent_id": "x"}</subagent_notification>',
        '<codex_internal_context source="goal">\nGo on.\n</codex_internal_context>',
        '<hook_prompt hook_run_id="1">Test it.</hook_prompt>',
        "<user_action>\n<action>review</action>\n</user_action>",
        "Warning: apply_patch was requested via exec_command. Use the tool.",
        "# Context from my IDE setup:\n\n## Open tabs:\n- a.py",
        "# Context from my IDE setup:\n\n## My request for Codex:\n\n",
        "",
        "  \n",
    ],
)
def test_what_the_client_sends_is_no_prompt(text: str) -> None:
    assert parse_content([{"type": "input_text", "text": text}]).body is None
    assert parse_content(text).reason is None


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (f"{AGENTS}\n\n{CONTEXT}\n\nfix it", "fix it"),
        (f"fix it\n{CONTEXT}\n", "fix it"),
        (
            "# Context from my IDE setup:\n\n## Active file: C:\\w\\a.py\n\n"
            "## My request for Codex:\nfix it\n\n## My request is two-fold\n",
            "fix it\n\n## My request is two-fold",
        ),
        ("# Files mentioned by the user:\n\n## a: /a\n\n## My request:\nfix", "fix"),
        (f"{CONTEXT}\n# In app browser:\n\n## My request for Codex:\nfix", "fix"),
        ("fix it\r\nnow", "fix it\nnow"),
        ("# AGENTS.md\n\nIs this file good?", "# AGENTS.md\n\nIs this file good?"),
        ("<div>\nwhy is this red?\n</div>", "<div>\nwhy is this red?\n</div>"),
        ("why <skill>x</skill> twice?", "why <skill>x</skill> twice?"),
        ("[Image #1] like this", "[Image #1] like this"),
        ('<image name=[Image #1] path="/a.png">\n</image>\nfix', "fix"),
        ("    indented", "    indented"),
    ],
)
def test_what_was_typed_is_kept(text: str, body: str) -> None:
    assert parse_content(text).body == body


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([{"type": "input_image", "image_url": "x"}], "no text"),
        ([{"type": "localImage", "path": "x"}], "no text"),
        ("[Image #1] [Image #2]", "no text"),
        ("<user_shell_command>\nls\n</user_shell_command>", "shell command"),
        ("PLEASE IMPLEMENT THIS PLAN:\n# Plan", "accepted plan"),
        (
            "Generate a file named AGENTS.md that serves as a contributor guide for x.",
            "slash command",
        ),
    ],
)
def test_what_a_person_did_without_typing_is_counted(
    content: Json, reason: str
) -> None:
    parsed = parse_content(content)
    assert (parsed.body, parsed.reason) == (None, reason)


def test_parts_of_one_message() -> None:
    texts = (CONTEXT, "one", "two")
    content: list[Json] = [{"type": "input_text", "text": text} for text in texts]
    assert parse_content([*content, {"type": "input_image"}, 7]).body == "one\ntwo"
