"""A small file of every source, with the prompts "one é", "two" and "three"."""

import json
import sqlite3
from typing import NamedTuple

from tests.importers import agent_files
from tests.importers.agents.database_build import (
    example_goose,
    example_warp,
    example_zed,
)
from tests.importers.build import Json, chat, message, talk, turn
from tests.importers.opencode.build import example_database, example_export


class Example(NamedTuple):
    """One file as its source writes it; JSON as rows, so that tests can change them."""

    source: str
    name: str
    """Name of the file; the importer must work without it, unless structure cannot
    decide.
    """
    value: list[Json] | bytes
    wanted: tuple[str, ...] = ("one é", "two", "three")
    """The prompts in it, if one file of the source cannot have three."""

    @property
    def data(self) -> bytes:
        """The file."""
        if isinstance(self.value, bytes):
            return self.value
        return json.dumps(self.value, ensure_ascii=False).encode()


def sent(*texts: str) -> Json:
    """Return a user message as Cline sends it."""
    return {"role": "user", "content": [{"type": "text", "text": t} for t in texts]}


def gemini_page(*prompts: str) -> bytes:
    """Return a My Activity page of Google Takeout."""
    cards = (
        '<div class="outer-cell mdl-cell"><div class="mdl-grid">'
        '<div class="header-cell mdl-cell"><p class="mdl-typography--title">'
        'Gemini Apps<br></p></div><div class="content-cell mdl-typography--body-1">'
        f"Prompted&nbsp;{prompt}<br>Jan 2, 2026, 3:04:05\u202fPM CET<br><p>Hi.</p>"
        "</div></div></div>"
        for prompt in prompts
    )
    return f"<html><body>{''.join(cards)}</body></html>".encode()


def llm_log() -> bytes:
    """Return a database such as simonw/llm logs to."""
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(
            """CREATE TABLE _llm_migrations (name TEXT PRIMARY KEY, applied_at TEXT);
            CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
            CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT,
                system TEXT, response TEXT, conversation_id TEXT, datetime_utc TEXT);
            INSERT INTO conversations VALUES ('c1', 'A chat', 'm'), ('c2', 'Two', 'm');
            INSERT INTO responses VALUES
                ('r1', 'm', 'one é', NULL, 'Hi.', 'c1', '2026-01-01T00:00:01'),
                ('r2', 'm', 'two', NULL, 'Ho.', 'c1', '2026-01-01T00:00:02'),
                ('r3', 'm', 'three', NULL, 'Hm.', 'c2', '2026-01-01T00:00:03');"""
        )
    return connection.serialize()


CURSOR_CHAT = """# Counting
_Exported on 27/1/2026 at 21:19:36 UTC+1 from Cursor (2.5.22)_

---

**User**

one é

---

**Cursor**

Hi.

---

**User**

two

---

**User**

three
"""
CURSOR_LINES = """{"role":"user","message":{"content":[{"type":"text","text":"one é"}]}}
{"role":"assistant","message":{"content":[{"type":"tool_use","name":"Read"}]}}
{"role":"user","message":{"content":[{"type":"text","text":"<user_query>two</user_query>"}]}}
{"type":"turn_ended"}
{"role":"user","message":{"content":[{"type":"text","text":"three"}]}}
"""
CURSOR_TEXT = """user:
<user_query>
one é
</user_query>

assistant:
[Tool call] Read
  path: a.py

user:
<user_query>
two
</user_query>

assistant:
Ho.

user:
<user_query>
three
</user_query>
"""


CODE_SESSION = """\
{"type":"file-history-snapshot","messageId":"x","snapshot":{"messageId":"x"}}
{"parentUuid":null,"isSidechain":false,"cwd":"/d","sessionId":"s1","type":"user",\
"message":{"role":"user","content":"one é"},"uuid":"u1",\
"timestamp":"2026-03-01T10:00:00.000Z"}
{"parentUuid":"u1","isSidechain":false,"cwd":"/d","sessionId":"s1","message":\
{"model":"m","role":"assistant","content":[{"type":"text","text":"Hi."}]},\
"type":"assistant","uuid":"a1","timestamp":"2026-03-01T10:00:01.000Z"}
{"parentUuid":"a1","isSidechain":false,"cwd":"/d","sessionId":"s1","type":"user",\
"message":{"role":"user","content":[{"type":"text","text":"two"}]},"uuid":"u2",\
"timestamp":"2026-03-01T10:00:02.000Z"}
{"parentUuid":"u2","isSidechain":false,"sessionId":"s1","type":"attachment",\
"attachment":{"type":"queued_command","commandMode":"prompt","prompt":"three"},\
"uuid":"q1","timestamp":"2026-03-01T10:00:03.000Z"}
{"type":"ai-title","aiTitle":"Counting","sessionId":"s1"}
"""
CODE_HISTORY = """\
{"display":"one é","pastedContents":{},"timestamp":1772359200000,"project":"/d"}
{"display":"two","pastedContents":{},"timestamp":1772359201000,"project":"/d"}
{"display":"[Pasted text #1]","pastedContents":{"1":{"id":1,"type":"text",\
"content":"three"}},"timestamp":1772359202000,"project":"/d","sessionId":"s1"}
"""


def key_values(**tables: dict[str, Json]) -> bytes:
    """Return a small database of key-value tables, such as Cursor's state."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA page_size = 512")
        for table, rows in tables.items():
            connection.execute(
                f"CREATE TABLE {table} "
                "(key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"
            )
            sql = f"INSERT INTO {table} VALUES (?, ?)"
            for key, value in rows.items():
                stored = value if value is None else json.dumps(value).encode()
                connection.execute(sql, (key, stored))
    return connection.serialize()


def cursor_state() -> bytes:
    """Return a database of Cursor: a new chat, an old one, and the log of prompts."""
    return key_values(
        ItemTable={"aiService.prompts": [{"text": "three", "commandType": 4}]},
        cursorDiskKV={
            "composerData:c1": {
                "composerId": "c1",
                "name": "Counting",
                "fullConversationHeadersOnly": [
                    {"bubbleId": "b1", "type": 1},
                    {"bubbleId": "b2", "type": 2},
                ],
            },
            "bubbleId:c1:b1": {"type": 1, "bubbleId": "b1", "text": "one é"},
            "bubbleId:c1:b2": {"type": 2, "bubbleId": "b2", "text": "Hi."},
            "composerData:c2": {
                "composerId": "c2",
                "conversation": [{"type": 1, "bubbleId": "b3", "text": "two"}],
            },
        },
    )


def ask_deepseek(text: str) -> Json:
    """Return a conversation of DeepSeek with one prompt."""
    message = {"fragments": [{"type": "REQUEST", "content": text}]}
    return {
        "id": f"d-{text}",
        "inserted_at": "2026-03-02T10:00:00+08:00",
        "mapping": {"1": {"id": "1", "parent": None, "message": message}},
    }


def version(role: str, *texts: str) -> Json:
    """Return a message of LM Studio with a version for each text, the last selected."""
    return {
        "versions": [
            {
                "type": "singleStep",
                "role": role,
                "content": [{"type": "text", "text": text}],
            }
            for text in texts
        ],
        "currentlySelected": len(texts) - 1,
    }


def chatwise_database() -> bytes:
    """Return a database of ChatWise's app."""
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(
            """CREATE TABLE chat (id TEXT PRIMARY KEY, title TEXT, model TEXT,
                createdAt INTEGER, lastReplyAt INTEGER, assistantId TEXT);
            CREATE TABLE message (id TEXT PRIMARY KEY, chatId TEXT, role TEXT,
                content TEXT, model TEXT, createdAt INTEGER, files TEXT,
                reasoningContent TEXT);
            INSERT INTO chat VALUES ('c', 'A chat', 'm', 1772359200000, 1772359209000,
                NULL);
            INSERT INTO message VALUES
                ('1', 'c', 'user', 'one é', 'm', 1772359200000, NULL, NULL),
                ('2', 'c', 'assistant', 'Hi.', 'm', 1772359201000, NULL, 'Hm.'),
                ('3', 'c', 'user', 'two', 'm', 1772359202000, NULL, NULL),
                ('4', 'c', 'user', 'three', 'm', 1772359203000, NULL, NULL);"""
        )
    return connection.serialize()


EXAMPLES = [
    Example(
        "continue",
        "sessions/1.json",
        b"""{"sessionId": "s", "title": "Counting",
            "workspaceDirectory": "/d", "history": [
            {"message": {"role": "user", "content": "one \xc3\xa9", "id": "1"},
             "contextItems": [{"name": "a.py", "content": "x"}],
             "editorState": {"type": "doc"}},
            {"message": {"role": "assistant", "content": "Hi.", "id": "2"}},
            {"message": {"role": "user", "content": [{"type": "text", "text": "two"}]}},
            {"message": {"role": "tool", "content": "ok", "toolCallId": "c"}},
            {"message": {"role": "user", "content": "three"}, "editorState": {"content":
             [{"type": "paragraph", "content": [{"type": "text", "text": "three"}]}]}}
        ]}""",
    ),
    Example(
        "aider",
        ".aider.chat.history.md",
        b"\n# aider chat started at 2026-07-17 09:00:00\n\n> Model: sonnet  \n\n"
        b"#### one \xc3\xa9  \n\nHi.\n\n```md\n#### four\n```\n\n#### /add a.py  \n\n"
        b"> Added a.py to the chat  \n\n#### two  \n\nHo.\n\n"
        b"# aider chat started at 2026-07-18 09:00:00\n\n#### three  \n",
    ),
    Example(
        "aider",
        ".aider.input.history",
        "\n# 2026-07-17 09:00:00.123456\n+one é\n\n# 2026-07-17 09:01:00.123456\n"
        "+two\n\n# 2026-07-18 09:00:00.123456\n+three\n".encode(),
    ),
    Example(
        "copilot-chat",
        "chatSessions/1.json",
        b"""{
  "version": 3,
  "requesterUsername": "ada",
  "responderUsername": "GitHub Copilot",
  "responderAvatarIconUri": {"id": "copilot"},
  "requests": [
    {"requestId": "request_1", "message": {"text": "one \xc3\xa9", "parts": []},
     "variableData": {"variables": []}, "response": [{"value": "Hi."}],
     "agent": {"id": "github.copilot.editsAgent"}, "timestamp": 1787000000000},
    {"requestId": "request_2", "message": {"text": "two", "parts": []},
     "response": [{"value": "Ho."}, {"kind": "inlineReference"}]},
    {"requestId": "request_3", "message": {"text": "three", "parts": []},
     "response": [], "result": {"metadata": {"sessionId": "s"}}}
  ],
  "sessionId": "s",
  "customTitle": "Counting"
}""",
    ),
    Example(
        "copilot-chat",
        "chatSessions/2.jsonl",
        b"""{"kind":0,"v":{"version":3,"sessionId":"s","customTitle":"Counting","requests":[\
{"requestId":"request_1","message":{"text":"one \xc3\xa9"},"response":[{}]}]}}
{"kind":2,"k":["requests",0,"response"],"v":[{"value":"More."}],"i":1}
{"kind":2,"k":["requests"],"v":[{"requestId":"request_2","message":{"text":"two"}}]}
{"kind":1,"k":["inputState","inputText"],"v":"thr"}
{"kind":2,"k":["requests"],"v":[{"requestId":"request_3","message":{"text":"three"}}]}
""",
    ),
    Example(
        "chatgpt",
        "conversations.json",
        [
            chat(turn("u", None, "one é"), turn("a", "u", "Hi.", "assistant")),
            chat(turn("u", None, "two"), turn("v", "u", "three")),
        ],
    ),
    Example(
        "claude",
        "conversations.json",
        [
            talk(message("m", "one é", 1), message("x", "Hi.", 2, "assistant")),
            talk(message("m", "two", 1), message("n", "three", 2)),
        ],
    ),
    Example(
        "deepseek",
        "conversations.json",
        [
            ask_deepseek("one é"),
            ask_deepseek("two"),
            ask_deepseek("three"),
        ],
    ),
    Example(
        "le-chat",
        "chat-0a1b.json",
        [
            {
                "id": f"m{number}",
                "version": 0,
                "chatId": "0a1b",
                "content": text,
                "contentChunks": None,
                "role": "user",
                "createdAt": f"2026-06-01T10:0{number}:00.000Z",
                "files": [],
            }
            for number, text in enumerate(("one é", "two", "three"))
        ],
    ),
    Example(
        "perplexity",
        "threads.json",
        [
            {
                "metadata": {"thread_id": "t1", "thread_title": "Counting"},
                "conversations": [{"uuid": "e1", "query": "one é", "answer": "Hi."}],
            },
            {
                "entries": [
                    {"uuid": "e2", "context_uuid": "t2", "query_str": "two"},
                ],
                "thread_metadata": {"title": "Counting"},
            },
            {
                "context_uuid": "t3",
                "entries": [{"entry_uuid": "e3", "query": "three", "answer": "Ho."}],
            },
        ],
    ),
    Example(
        "perplexity",
        "thread.json",
        b"""{"metadata": {"thread_id": "t", "thread_url": "counting-t"},
            "conversations": [
                {"uuid": "1", "query": "one \xc3\xa9", "answer": "Hi."},
                {"uuid": "2", "query": "two", "answer": "Ho."},
                {"uuid": "3", "query": "three", "answer": null}
            ]}""",
    ),
    Example(
        "perplexity",
        "Perplexity.ai_counting.md",
        b"# Counting\nExported on 30/01/2025 at 10:02:57 [from Perplexity.ai]"
        b"(https://www.perplexity.ai/search/counting-t) - with [SaveMyChatbot]"
        b"(https://save.hugocollin.com)\n\n\n## User\none \xc3\xa9\n\n"
        b"## AI answer\nHi.\n\n"
        b"## User\ntwo\n\n## AI answer\nHo.\n\n## User\nthree\n\n## AI answer\nHm.\n",
    ),
    Example(
        "perplexity",
        "counting.md",
        b"---\nPerplexity URL: https://www.perplexity.ai/search/counting-t\n"
        b"Last updated: 2026-01-01T00:00:00\n---\n\n# one \xc3\xa9\n\n"
        b">[!important] one \xc3\xa9\n\nHi.\n\n* * *\n\n# two\n\n"
        b">[!important] two\n\nHo.\n\n* * *\n\n# three\n\n>[!important] three\n\nHm.\n",
    ),
    Example(
        "lm-studio",
        "1772359200000.conversation.json",
        [
            {
                "name": "A chat",
                "createdAt": 1772359200000,
                "messages": [
                    version("user", "one é"),
                    version("assistant", "Hi."),
                    version("user", "two"),
                ],
            },
            {"name": "B", "messages": [version("user", "three")]},
        ],
    ),
    Example(
        "jan",
        "messages.jsonl",
        b"""{"id":"1","object":"thread.message","thread_id":"t","role":"user",\
"content":[{"type":"text","text":{"value":"one \xc3\xa9"}}],"created_at":1772359200}
{"id":"2","object":"thread.message","thread_id":"t","role":"assistant",\
"content":[{"type":"text","text":{"value":"Hi."}}],"created_at":1772359201}
{"id":"3","object":"thread.message","thread_id":"t","role":"user",\
"content":[{"type":"text","text":{"value":"two"}}],"created_at":1772359202}
{"id":"4","object":"thread.message","thread_id":"t","role":"user",\
"content":[{"type":"text","text":{"value":"three"}}],"created_at":1772359203}
""",
    ),
    Example(
        "typingmind",
        "chats.json",
        [
            {
                "chatID": text,
                "chatTitle": "A chat",
                "messages": [{"uuid": "m", "role": "user", "content": text}],
            }
            for text in ("one é", "two", "three")
        ],
    ),
    Example(
        "typingmind",
        "export.json",
        b"""{"data": {"chats": [{"chatID": "c", "messages": [
                {"uuid": "1", "role": "user", "content": "one \xc3\xa9"},
                {"uuid": "2", "role": "assistant", "content": "Hi."},
                {"uuid": "3", "role": "user", "content": "two"}]}],
            "userPrompts": [{"id": "p", "title": "A", "prompt": "three"}],
            "userCharacters": [{"title": "B", "instruction": "Be brief."}]}}""",
    ),
    Example(
        "chatwise",
        "chat-0a1b.json",
        [
            {
                "id": text,
                "title": "A chat",
                "systemInstruction": "Be brief.",
                "messages": [
                    {"id": "m", "role": "user", "content": text},
                    {"id": "n", "role": "assistant", "content": "Hi."},
                ],
            }
            for text in ("one é", "two", "three")
        ],
    ),
    Example("chatwise", "app.db", chatwise_database()),
    Example(
        "gemini",
        "MyActivity.json",
        [
            {
                "header": "Gemini Apps",
                "title": f"Prompted {text}",
                "time": f"2026-01-0{day}T10:00:00.123Z",
                "products": ["Gemini Apps"],
                "safeHtmlItem": [{"html": "<p>Hi.</p>"}],
            }
            for day, text in ((3, "one é"), (2, "two"), (1, "three"))
        ],
    ),
    Example("claude-code", "session.jsonl", CODE_SESSION.encode()),
    Example("claude-code", "history.jsonl", CODE_HISTORY.encode()),
    Example("codex", "rollout.jsonl", agent_files.CODEX_ROLLOUT.encode()),
    Example("codex", "rollout-of-2025.jsonl", agent_files.CODEX_BARE.encode()),
    Example("codex", "rollout.json", agent_files.CODEX_OBJECT.encode()),
    Example("codex", "history.jsonl", agent_files.CODEX_HISTORY.encode()),
    Example("copilot-cli", "events.jsonl", agent_files.COPILOT_EVENTS.encode()),
    Example("copilot-cli", "session_s1.json", agent_files.COPILOT_OLD.encode()),
    Example("qwen-code", "chats/s1.jsonl", agent_files.QWEN.encode()),
    Example("droid", "s1.jsonl", agent_files.DROID.encode()),
    Example("pi", "2026-09-06_s1.jsonl", agent_files.PI.encode()),
    Example("amp", "T-1.json", agent_files.AMP.encode()),
    Example("kiro", "cli/s1.jsonl", agent_files.KIRO_LINES.encode()),
    Example("kiro", "sess_1/messages.jsonl", agent_files.KIRO_PAYLOADS.encode()),
    Example("kiro", "s1.json", agent_files.KIRO_SESSION.encode()),
    Example("kiro", "0a.chat", agent_files.KIRO_CHAT.encode()),
    Example("kiro", "data.sqlite3", agent_files.kiro_store()),
    Example(
        "gemini",
        "conversation_1786296581.txt",
        [
            {
                "title": "Counting",
                "creation_time": "2026-08-09T17:29:41.209311+00:00",
                "conversation_turns": [
                    {"user_turn": {"prompt": prompt, "turn_index": 2 * number}},
                    {"system_turn": {"text": [{"data": "Hi."}]}},
                ],
            }
            for number, prompt in enumerate(("one é", "two", "three"))
        ],
    ),
    Example("gemini", "MyActivity.html", gemini_page("one é", "two", "three")),
    Example(
        "ai-studio",
        "A chat",
        b"""{"runSettings": {"model": "models/gemini-2.5-pro"},
            "systemInstruction": {"text": "Be brief."},
            "chunkedPrompt": {"chunks": [
                {"text": "one \xc3\xa9", "role": "user"},
                {"text": "Hm.", "role": "model", "isThought": true},
                {"text": "two", "role": "user", "parts": [{"text": "two"}]},
                {"text": "Hi.", "role": "model"},
                {"text": "three", "role": "user"}
            ], "pendingInputs": [{"text": "", "role": "user"}]}}""",
    ),
    Example(
        "ai-studio",
        "put together by hand.json",
        [
            {"id": text, "chunkedPrompt": {"chunks": [{"role": "user", "text": text}]}}
            for text in ("one é", "two", "three")
        ],
    ),
    Example(
        "gemini-cli",
        "chats/session-2025-10-01T09-00-1a2b3c4d.json",
        b"""{"sessionId": "s", "projectHash": "h",
            "startTime": "2025-10-01T09:00:00.000Z", "messages": [
                {"id": "1", "type": "user", "content": "one \xc3\xa9"},
                {"id": "2", "type": "gemini", "content": "Hi."},
                {"id": "3", "type": "user", "content": [{"text": "two"}]},
                {"id": "4", "type": "user", "content": ["three"]}
            ]}""",
    ),
    Example(
        "gemini-cli",
        "chats/session-2026-05-01T09-00-1a2b3c4d.jsonl",
        b"""{"sessionId":"s","projectHash":"h","startTime":"2026-05-01T09:00:00.000Z"}
{"id":"1","timestamp":"2026-05-01T09:00:01.000Z","type":"user","content":"one \xc3\xa9"}
{"id":"2","timestamp":"2026-05-01T09:00:02.000Z","type":"gemini","content":"Hi."}
{"id":"3","timestamp":"2026-05-01T09:00:03.000Z","type":"user","content":"two"}
{"$set":{"summary":"Counting"}}
{"id":"4","timestamp":"2026-05-01T09:00:04.000Z","type":"user","content":"three"}
""",
    ),
    Example(
        "gemini-cli",
        "logs.json",
        [
            {"sessionId": "s", "messageId": number, "type": "user", "message": text}
            for number, text in enumerate(("one é", "two", "three"))
        ],
    ),
    Example(
        "gemini-cli",
        "checkpoint-a%20tag.json",
        [
            {"role": role, "parts": [{"text": text}]}
            for role, text in (
                ("user", "<session_context>\nToday.\n</session_context>"),
                ("user", "one é"),
                ("model", "Hi."),
                ("user", "two"),
                ("user", "three"),
            )
        ],
    ),
    Example(
        "cline",
        "ui_messages.json",
        [
            {"ts": 1772654722000, "type": "say", "say": "task", "text": "one é"},
            {"ts": 1772654727000, "type": "say", "say": "user_feedback", "text": "two"},
            {
                "ts": 1772654790000,
                "type": "say",
                "say": "user_feedback",
                "text": "three",
            },
        ],
    ),
    Example(
        "cline",
        "api_conversation_history.json",
        [
            sent(
                "<task>\none é\n</task>",
                "<environment_details>\n</environment_details>",
            ),
            sent("[ask_followup_question for '?'] Result:", "<answer>\ntwo\n</answer>"),
            sent("[attempt_completion] Result:", "<feedback>\nthree\n</feedback>"),
        ],
    ),
    Example(
        "cline",
        "1772654722000_abcde.messages.json",
        [
            {
                "id": f"m{number}",
                "ts": 1772654722000 + number,
                **sent(f'<user_input mode="act">{text}</user_input>'),
            }
            for number, text in enumerate(("one é", "two", "three"))
        ],
    ),
    Example(
        "cline",
        "cline_task_mar-4-2026_3-05-22-pm.md",
        b"**User:**\n\n<task>\none \xc3\xa9\n</task>\n<environment_details>\n# Mode\n"
        b"</environment_details>\n\n---\n\n**Assistant:**\n\nHi.\n\n---\n\n**User:**\n\n"
        b"[ask_followup_question for '?'] Result:\n<answer>\ntwo\n</answer>\n\n---\n\n"
        b"**Assistant:**\n\nHo.\n\n---\n\n**User:**\n\n[attempt_completion] Result:\n"
        b"<feedback>\nthree\n</feedback>\n\n",
    ),
    Example("goose", "sessions.db", example_goose()),
    Example(
        "goose",
        "20250614_1.jsonl",
        [
            {"role": "user", "created": 1750000000 + number, "content": content}
            for number, content in enumerate(
                [{"type": "text", "text": text}] for text in ("one é", "two", "three")
            )
        ],
    ),
    Example("warp", "warp.sqlite", example_warp()),
    Example("zed", "threads.db", example_zed()),
    Example("opencode", "opencode.db", example_database()),
    Example("opencode", "session.json", example_export()),
    Example("kilo", "kilo.db", example_database()),
    Example("cursor", "cursor_counting.md", CURSOR_CHAT.encode()),
    Example("cursor", "transcript.jsonl", CURSOR_LINES.encode()),
    Example("cursor", "transcript.txt", CURSOR_TEXT.encode()),
    Example("cursor", "state.vscdb", cursor_state()),
    Example(
        "specstory",
        "2026-05-01_10-00-00Z-one.md",
        b"<!-- Generated by SpecStory, Markdown v2.1.0 -->\n\n# 2026-05-01 10:00Z\n\n"
        b"<!-- Claude Code Session 1-2-3 (2026-05-01 10:00:00Z) -->\n\n"
        b"_**User (2026-05-01 10:00:00Z)**_\n\none \xc3\xa9\n\n---\n\n"
        b"_**Agent (some-model 2026-05-01 10:00:05Z)**_\n\nHi.\n\n---\n\n"
        b"_**User (2026-05-01 10:05:00Z)**_\n\ntwo\n\n---\n\n"
        b"_**Agent (some-model 2026-05-01 10:05:05Z)**_\n\nHo.\n\n---\n\n"
        b"_**User (2026-05-01 10:06:00Z)**_\n\nthree\n",
    ),
    Example(
        "specstory",
        "2025-03-11_20-11-one.md",
        b"## SpecStory\n\n## One (3/11/2025, 8:11:06 PM)\n\n"
        b"_**User**_\n\none \xc3\xa9\n\n---\n\n"
        b"_**Assistant**_\n\nHi.\n\n---\n\n_****_\n\nRead file: a.py\n\n---\n\n"
        b"_**User**_\n\ntwo\n\n---\n\n_**Assistant**_\n\nHo.\n\n---\n\n"
        b"## Three (3/12/2025, 9:00:00 AM)\n\n_**User**_\n\nthree\n\n---\n\n",
    ),
    Example("llm", "logs.db", llm_log()),
    Example(
        "llm",
        "one.yaml",
        "model: m\nprompt: |-\n  one é\n".encode(),
        ("one é",),
    ),
    Example(
        "fabric",
        "one/system.md",
        "# IDENTITY and PURPOSE\n\none é\n\n# STEPS\n\n- two\n- three\n".encode(),
        ("# IDENTITY and PURPOSE\n\none é\n\n# STEPS\n\n- two\n- three\n",),
    ),
    Example(
        "aichat",
        "roles.yaml",
        "- name: a\n  prompt: one é\n- name: b\n  prompt: >\n    two\n"
        "- name: c\n  temperature: 0.1\n  prompt: three\n".encode(),
    ),
    Example(
        "aichat",
        "roles/one.md",
        "---\ntemperature: 0\nuse_tools: all\n---\none é\n".encode(),
        ("one é",),
    ),
    Example(
        "pet",
        "snippet.toml",
        '[[snippets]]\n  description = "a"\n  command = "one é"\n  output = ""\n\n'
        '[[snippets]]\n  description = "b"\n  command = "two"\n  tag = ["x"]\n\n'
        "[[snippets]]\n  command = 'three'\n".encode(),
    ),
    Example(
        "langfuse",
        "langfuse-prompts.json",
        [
            {
                "name": "a",
                "type": "text",
                "prompt": "one é",
                "version": 1,
                "config": {"model": "m"},
                "labels": ["production", "latest"],
                "tags": ["x"],
                "createdAt": "2026-01-01T00:00:00.000Z",
            },
            {"name": "b", "type": "text", "prompt": "two", "version": 2, "labels": []},
            {
                "name": "c",
                "type": "chat",
                "prompt": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "three"},
                ],
                "version": 3,
                "labels": [],
            },
        ],
    ),
    Example(
        "promptfoo",
        "promptfooconfig.yaml",
        "providers:\n  - openai:m\nprompts:\n  - one é\n  - |-\n"
        "    two\n  - three\n".encode(),
    ),
    Example(
        "openai",
        "prompts.json",
        [
            {
                "id": "pmpt_1",
                "name": "a",
                "default_version": "2",
                "versions": [
                    {
                        "version": "2",
                        "messages": [
                            {"role": "developer", "content": "Be brief."},
                            {"role": "user", "content": "one é"},
                        ],
                        "config": {"model": "m"},
                    }
                ],
            },
            {"prompt_id": "pmpt_2", "prompt": "two", "version": 1},
            {
                "id": "pmpt_3",
                "input": [
                    {
                        "role": "user",
                        "content": [{"type": "input_text", "text": "three"}],
                    }
                ],
            },
        ],
    ),
    Example(
        "promptvault",
        "export.json",
        [
            {"name": "a", "body": "one é", "tags": ["x"], "labels": {"live": 1}},
            {"name": "b/c", "body": "two", "origins": [{"source": "chatgpt"}]},
            {"name": "b/d", "body": "three", "variables": [{"name": "v"}], "uses": 3},
        ],
    ),
    Example(
        "csv",
        "prompts.csv",
        '"act","prompt"\n"A","one é"\n"B, C","two"\n"D","three"\n'.encode(),
    ),
    Example(
        "csv",
        "library.csv",
        "name,title,description,tags,template,source,body,created_at,updated_at\n"
        "a,A,,x y,False,local,one é,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z\n"
        "b/c,,,,True,local,two,,\nb/d,,,,False,local,three,,\n".encode(),
    ),
    Example(
        "csv",
        "copilot-activity-history.csv",
        "Conversation,Time,Author,Message\n"
        "A chat,2026-01-01T00:00:02,AI,Hi.\nA chat,2026-01-01T00:00:02,Human,two\n"
        'A chat,2026-01-01T00:00:01,Human,one é\n"B",,Human,three\n'.encode(),
    ),
    Example(
        "dataset",
        "messages.json",
        [
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "one é"},
                    {"role": "assistant", "content": "Hi."},
                ]
            },
            {"id": "s", "conversations": [{"from": "human", "value": "two"}]},
            {"instruction": "three", "input": "", "output": "Hi."},
        ],
    ),
    Example(
        "dataset",
        "prod-grok-backend.json",
        [
            {
                "conversation": {"id": "c1", "title": "A chat"},
                "responses": [
                    {"response": {"_id": "1", "sender": "human", "message": "one é"}},
                    {
                        "response": {
                            "_id": "2",
                            "parent_response_id": "1",
                            "sender": "ASSISTANT",
                            "message": "Hi.",
                        }
                    },
                    {
                        "response": {
                            "_id": "3",
                            "parent_response_id": "2",
                            "sender": "human",
                            "message": "two",
                        }
                    },
                ],
            },
            {"turns": ["three"], "question_id": 3},
        ],
    ),
    Example(
        "text",
        "prompts.md",
        "## Act as A\n\n> one é\n\n## Act as B\n\n> two\n\n"
        "## Act as C\n\n> three\n".encode(),
    ),
]
