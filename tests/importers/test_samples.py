"""The sample exports give exactly the prompts that were judged by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from promptvault.importers.candidate import Kind

from .build import bodies, candidates, failures, imported

FORMATS = Path(__file__).parents[3] / "shared" / "formats"
DATA = Path(__file__).parent / "data"
SAMPLES = [
    "chatgpt/librechat_chatgpt-tree.json",
    "chatgpt/polylogue_native-conversation-v1.json",
    "chatgpt/polylogue_representative_sample-00.json",
    "chatgpt/synthetic_customgpt_canvas_voice.json",
    "chatgpt/synthetic_export_v1.zip",
    "claude_ai/claude-to-sqlite_example.json",
    "claude_ai/polylogue_origin_claude-ai-export.json",
    "claude_ai/polylogue_origin_claude-design-session.json",
    "claude_ai/polylogue_representative_sample-00.json",
    "claude_ai/synthetic_2026_bare_array.json",
    "claude_ai/synthetic_projects_v1.json",
]
# Pasted text that came as a file: the judges leave it open, we take it.
PASTED = {"claude_ai/synthetic_2026_bare_array.json": ["Summarise this log:\nERR 42"]}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    path = FORMATS / "EXPECTED.json"
    if not path.exists():
        pytest.skip(f"the shared samples are not at {FORMATS}")
    files: dict[str, Any] = json.loads(path.read_text())["files"]
    return files


@pytest.mark.parametrize("name", SAMPLES)
def test_sample(name: str, expected: dict[str, Any]) -> None:
    judged = expected[name]
    items = imported(FORMATS / "samples" / name)
    assert not failures(items)
    assert candidates(items) or candidates(items, Kind.INSTRUCTIONS)
    if "prompts" not in judged:
        return  # of use for robustness only
    assert bodies(items) == judged["prompts"] + PASTED.get(name, [])
    standing = bodies(items, Kind.INSTRUCTIONS)
    assert set(judged.get("instructions", ())) <= set(standing)
    drafts = [draft.body for each in candidates(items) for draft in each.drafts[:-1]]
    assert set(drafts) <= set(judged.get("off_path_prompts", ()))
    everything = "\n".join([*bodies(items), *standing, *drafts])
    assert not [
        text for text in judged.get("must_not_appear", ()) if text in everything
    ]


def test_every_sample_is_listed(expected: dict[str, Any]) -> None:
    ours = {name for name in expected if name.startswith(("chatgpt/", "claude_ai/"))}
    assert ours == set(SAMPLES)


@pytest.mark.parametrize(
    "name", ["synthetic_customgpt_canvas_voice.json", "synthetic_export_v1.zip"]
)
def test_chatgpt_sample_of_our_own(name: str) -> None:
    items = imported(DATA / "chatgpt" / name)
    assert bodies(items) == [
        "Draft a shift handover note for bed 4",
        "Shorter, and in SBAR format",
        "what can I cook with leeks",
        "orphan current node, null times",
    ]
    assert bodies(items, Kind.INSTRUCTIONS) == [
        "I am a nurse.",
        "Be brief.",
        "Only vegetarian recipes.",
    ]
    edited = candidates(items)[1]
    assert [draft.body for draft in edited.drafts] == [
        "Shorter",
        "Shorter, and in SBAR format",
    ]


def test_claude_samples_of_our_own() -> None:
    items = imported(DATA / "claude")
    assert bodies(items) == [
        "How big should a retry budget be?",
        "Explain for a junior engineer, with a diagram",
        "Summarise this log:\nERR 42",
    ]
    assert bodies(items, Kind.INSTRUCTIONS) == [
        "You are our on-call assistant. Always answer with a numbered runbook."
    ]
