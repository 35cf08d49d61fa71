"""The sample files give exactly the prompts that were chosen by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from promptvault.importers.input.candidate import Conversation
from tests.importers.build import bodies, candidates, imported
from tests.importers.score import OWN, SHARED, Score, scores

FOLDERS = [folder for folder in (OWN, SHARED) if folder.exists()]
SCORES = [score for folder in FOLDERS for score in scores(folder)]


@pytest.mark.parametrize("score", SCORES, ids=lambda score: score.sample)
def test_sample(score: Score) -> None:
    assert score.is_perfect, score
    assert not score.notes


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_sample_is_judged(folder: Path) -> None:
    judged = json.loads((folder / "EXPECTED.json").read_text())["files"]
    samples = folder / "samples"
    files = (path for path in samples.rglob("*") if path.is_file())
    assert {path.relative_to(samples).as_posix() for path in files} == set(judged)


def test_score_sees_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    sample = tmp_path / "samples" / "generic" / "a.csv"
    sample.parent.mkdir(parents=True)
    sample.write_text("act,prompt\na,One\nb,Two\n")
    judged = {"prompts": ["One", "Three"], "must_not_appear": ["Tw"]}
    write_judged(tmp_path, judged)
    (score,) = scores(tmp_path)
    assert (score.wanted, score.found, score.extra) == (2, 1, 2)
    assert score.notes == ("missing: 'Three'", "must not appear: 'Tw'")
    write_judged(tmp_path, {"n": 1})
    assert scores(tmp_path)[0][1:4] == (1, 1, 1)
    write_judged(tmp_path, {"prompts": ["Two", "One"]})
    assert scores(tmp_path)[0].notes == ("the order differs",)


def write_judged(folder: Path, judged: Mapping[str, object]) -> None:
    files = {"files": {"generic/a.csv": judged}}
    (folder / "EXPECTED.json").write_text(json.dumps(files))


def test_edited_prompt_of_a_sample_is_one_prompt_with_drafts() -> None:
    name = "synthetic_customgpt_canvas_voice.json"
    edited = candidates(imported(OWN / "samples" / "chatgpt" / name))[1]
    assert [draft.body for draft in edited.drafts] == [
        "Shorter",
        "Shorter, and in SBAR format",
    ]


def test_whole_folder_of_samples_says_what_each_file_says() -> None:
    for folder in sorted((OWN / "samples").iterdir()):
        alone = {
            body
            for path in folder.rglob("*")
            if path.is_file()
            for body in bodies(imported(path))
        }
        together = bodies(imported(folder))
        assert set(together) == alone, folder.name


def test_every_chat_of_a_sample_has_one_opening() -> None:
    for path in (OWN / "samples").rglob("*.json"):
        for chat in imported(path):
            if isinstance(chat, Conversation) and chat.candidates:
                prompts = [each for each in chat.candidates if each.kind == "prompt"]
                assert sum(each.opening for each in prompts) == min(1, len(prompts))
