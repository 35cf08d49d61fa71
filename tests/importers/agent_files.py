"""Small files of coding agents, with the prompts "one é", "two" and "three"."""

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
