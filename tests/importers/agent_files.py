"""Small files of coding agents, with the prompts "one é", "two" and "three"."""

import sqlite3

CODEX_ROLLOUT = """\
{"timestamp":"2026-09-01T10:00:00.000Z","type":"session_meta","payload":\
{"id":"019f0000-0000-7000-8000-000000000001","cwd":"/w","source":"cli"}}
{"timestamp":"2026-09-01T10:00:00.100Z","type":"response_item","payload":\
{"type":"message","role":"user","content":[{"type":"input_text","text":\
"# AGENTS.md instructions for /w\\n\\n<INSTRUCTIONS>\\nBe brief.\\n</INSTRUCTIONS>"}]}}
{"timestamp":"2026-09-01T10:00:00.200Z","type":"turn_context","payload":{"model":"m"}}
{"timestamp":"2026-09-01T10:00:01.000Z","type":"response_item","payload":\
{"type":"message","role":"user","content":[{"type":"input_text","text":"one é"}]}}
{"timestamp":"2026-09-01T10:00:01.001Z","type":"event_msg","payload":\
{"type":"user_message","message":"one é","images":[]}}
{"timestamp":"2026-09-01T10:00:02.000Z","type":"response_item","payload":\
{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]}}
{"timestamp":"2026-09-01T10:00:03.000Z","type":"event_msg","payload":\
{"type":"user_message","message":"two"}}
{"timestamp":"2026-09-01T10:00:04.000Z","type":"response_item","payload":\
{"type":"message","role":"user","content":[{"type":"input_text","text":\
"# Context from my IDE setup:\\n\\n## My request for Codex:\\nthree"}]}}
"""
CODEX_BARE = """\
{"id":"5973b6c0-94b8-487b-a530-2aeb6098ae0e","timestamp":"2025-08-18T10:00:00.000Z",\
"instructions":null}
{"record_type":"state"}
{"type":"message","id":null,"role":"user","content":[{"type":"input_text","text":\
"<environment_context>\\n</environment_context>"}]}
{"type":"message","role":"user","content":[{"type":"input_text","text":"one é"}]}
{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]}
{"record_type":"state"}
{"type":"message","role":"user","content":[{"type":"input_text","text":"two"}]}
{"type":"message","role":"user","content":[{"type":"input_text","text":"three"}]}
"""
CODEX_OBJECT = """\
{"session":{"timestamp":"2025-04-20T10:00:00.000Z","id":"a1","instructions":""},
"items":[{"role":"user","content":[{"type":"input_text","text":"one é"}],
"type":"message"},{"type":"function_call","call_id":"c","arguments":"{}"},
{"role":"assistant","content":[{"type":"output_text","text":"Hi."}],"type":"message"},
{"role":"user","content":[{"type":"input_text","text":"two"}],"type":"message"},
{"role":"user","content":[{"type":"input_text","text":"three"}],"type":"message"}]}
"""
CODEX_HISTORY = """\
{"session_id":"019f0000-0000-7000-8000-000000000001","ts":1788256801,"text":"one é"}
{"session_id":"019f0000-0000-7000-8000-000000000001","ts":1788256901,"text":"/model"}
{"session_id":"019f0000-0000-7000-8000-000000000001","ts":1788256902,"text":"two"}
{"session_id":"019f0000-0000-7000-8000-000000000002","ts":1788256999,"text":"three"}
"""

COPILOT_EVENTS = """\
{"type":"session.start","data":{"sessionId":"s1","producer":"copilot-agent"},\
"id":"e1","timestamp":"2026-03-12T12:36:24.540Z","parentId":null}
{"type":"user.message","data":{"content":"one é","transformedContent":"<x>one é"},\
"id":"e2","timestamp":"2026-03-12T12:36:30.132Z","parentId":"e1"}
{"type":"assistant.message","data":{"messageId":"m","content":"Hi."},\
"id":"e3","timestamp":"2026-03-12T12:36:33.000Z","parentId":"e2"}
{"type":"user.message","data":{"content":"two"},\
"id":"e4","timestamp":"2026-03-12T12:36:40.000Z","parentId":"e3"}
{"type":"user.message","data":{"content":"three"},\
"id":"e5","timestamp":"2026-03-12T12:36:50.000Z","parentId":"e4"}
"""
COPILOT_OLD = """\
{"sessionId":"s1","startTime":"2025-10-08T21:10:16.398Z","chatMessages":[
{"role":"user","content":"one é"},{"role":"assistant","content":"Hi."},
{"role":"user","content":"two"},{"role":"user","content":"three"}],"timeline":[]}
"""
QWEN = """\
{"uuid":"q1","parentUuid":null,"sessionId":"s1","timestamp":"2026-08-01T10:00:00Z",\
"type":"user","cwd":"/w","message":{"role":"user","parts":[{"text":"one é"}]}}
{"uuid":"q2","parentUuid":"q1","sessionId":"s1","timestamp":"2026-08-01T10:00:03Z",\
"type":"assistant","model":"m","message":{"role":"model","parts":[{"text":"Hi."}]}}
{"uuid":"q3","parentUuid":"q2","sessionId":"s1","timestamp":"2026-08-01T10:00:04Z",\
"type":"user","message":{"role":"user","parts":[{"text":"two"}]}}
{"uuid":"q4","parentUuid":"q3","sessionId":"s1","timestamp":"2026-08-01T10:00:09Z",\
"type":"user","message":{"role":"user","parts":[{"text":"three"}]}}
"""
DROID = """\
{"type":"session_start","id":"s1","title":"Counting","owner":"me","cwd":"/w"}
{"type":"message","id":"m1","timestamp":"2026-09-29T03:00:00Z","message":{"role":\
"user","content":[{"type":"text","text":"<system-reminder>Be brief.\
</system-reminder>"},{"type":"text","text":"one é"}]}}
{"type":"message","id":"m2","parentId":"m1","timestamp":"2026-09-29T03:00:01Z",\
"message":{"role":"assistant","content":[{"type":"text","text":"Hi."}]}}
{"type":"message","id":"m3","parentId":"m2","timestamp":"2026-09-29T03:00:02Z",\
"message":{"role":"user","content":"two"}}
{"type":"message","id":"m4","parentId":"m3","timestamp":"2026-09-29T03:00:03Z",\
"message":{"role":"user","content":[{"type":"text","text":"three"}]}}
"""
PI = """\
{"type":"session","version":3,"id":"s1","timestamp":"2026-09-06T10:00:00Z","cwd":"/w"}
{"type":"message","id":"a1","parentId":null,"timestamp":"2026-09-06T10:00:01Z",\
"message":{"role":"user","content":[{"type":"text","text":"one é"}]}}
{"type":"message","id":"a2","parentId":"a1","timestamp":"2026-09-06T10:00:02Z",\
"message":{"role":"assistant","model":"m","content":[{"type":"text","text":"Hi."}]}}
{"type":"message","id":"a3","parentId":"a2","timestamp":"2026-09-06T10:00:03Z",\
"message":{"role":"user","content":"two"}}
{"type":"message","id":"a4","parentId":"a3","timestamp":"2026-09-06T10:00:04Z",\
"message":{"role":"user","content":[{"type":"text","text":"three"}]}}
"""
AMP = """\
{"id":"T-1","title":"Counting","created":1767337445000,"messages":[
{"role":"user","messageId":0,"content":[{"type":"text","text":"one é"}]},
{"role":"assistant","messageId":1,"content":[{"type":"text","text":"Hi."}]},
{"role":"user","messageId":2,"content":[{"type":"text","text":"two"}]},
{"role":"user","messageId":3,"content":[{"type":"text","text":"three"}]}]}
"""
KIRO_LINES = """\
{"version":"v1","kind":"Prompt","data":{"message_id":"p1","content":[{"kind":"text",\
"data":"one é"}],"meta":{"timestamp":1785600005.42}}}
{"version":"v1","kind":"AssistantMessage","data":{"message_id":"a1","content":\
[{"kind":"text","data":"Hi."}]}}
{"version":"v1","kind":"Prompt","data":{"message_id":"p2","content":[{"kind":"text",\
"data":"two"}]}}
{"version":"v1","kind":"Prompt","data":{"message_id":"p3","content":[{"kind":"text",\
"data":"three"}]}}
"""
KIRO_PAYLOADS = """\
{"id":"1","timestamp":"2026-08-01T11:00:05Z","payload":{"type":"user",\
"content":"one é"}}
{"id":"2","timestamp":"2026-08-01T11:00:31Z","payload":{"type":"assistant",\
"content":"Hi."}}
{"id":"3","timestamp":"2026-08-01T11:00:33Z","payload":{"type":"turn_end"}}
{"id":"4","timestamp":"2026-08-01T11:00:34Z","payload":{"type":"user",\
"content":"two"}}
{"id":"5","timestamp":"2026-08-01T11:00:35Z","payload":{"type":"user",\
"content":"three"}}
"""
KIRO_SESSION = """\
{"sessionId":"s1","title":"Counting","workspaceDirectory":"/w","history":[
{"message":{"role":"user","content":[{"type":"text","text":"one é"}],"id":"1"}},
{"message":{"role":"assistant","content":"Hi.","id":"2"},"executionId":"x"},
{"message":{"role":"user","content":"two","id":"3"}},
{"message":{"role":"user","content":"three","id":"4"}}]}
"""
KIRO_CHAT = """\
{"executionId":"x","actionId":"act","chat":[
{"role":"human","content":"# System Prompt\\nBe brief."},
{"role":"human","content":"<kiro-ide-message>one é</kiro-ide-message>"},
{"role":"bot","content":"Hi."},{"role":"human","content":"two"},
{"role":"human","content":"three"}],
"metadata":{"modelId":"m","workflowId":"w","startTime":1767337445000}}
"""
KIRO_ROW = """\
{"conversation_id":"c1","model_info":{"model_id":"m"},"history":[
{"user":{"content":{"Prompt":{"prompt":"one é"}}},"assistant":{"Response":{}}},
{"user":{"content":{"ToolUseResults":{"tool_use_results":[]}}}},
{"user":{"content":{"Prompt":{"prompt":"two"}}}},
{"user":{"content":{"Prompt":{"prompt":"three"}}}}]}
"""


def kiro_store() -> bytes:
    """Return a database such as Kiro's command line has."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute(
            "CREATE TABLE conversations_v2 (key TEXT, conversation_id TEXT, value TEXT)"
        )
        row = ("/w", "c1", KIRO_ROW)
        connection.execute("INSERT INTO conversations_v2 VALUES (?, ?, ?)", row)
    return connection.serialize()
