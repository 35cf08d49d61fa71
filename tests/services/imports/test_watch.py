"""Places that are watched: what is new is imported, as one import for each burst."""

import contextlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from promptvault.cli.workspace import workspace
from promptvault.errors import PromptVaultError
from promptvault.importers.input.candidate import Failure
from promptvault.services.imports import folder_events, watch
from promptvault.services.imports.changed_files import Changed, ChangedFiles
from promptvault.services.imports.place import Place, PlaceSearch
from promptvault.services.imports.report import ImportOptions, ImportReport, Take
from promptvault.services.imports.watch import WatchCallbacks
from promptvault.vault.lock import exclusive
from tests.conftest import Pvt
from tests.importers.build import Json, message, talk
from tests.importers.claude_code_build import answer, said

Step = Callable[[], object]


class _DoneError(Exception):
    """Ends the watch."""


class _Script(ChangedFiles):
    """Runs the next step whenever nothing changes any more."""

    def __init__(self, place: Path, *steps: Step) -> None:
        self._steps = iter(steps)
        self._quiet = 0
        super().__init__(PlaceSearch(lambda: [Place(place)]))

    def wait(self) -> Changed:
        changed = super().wait()
        self._quiet = 0 if changed else self._quiet + 1
        if self._quiet == 3:
            self._quiet = 0
            step = next(self._steps, None)
            if step is None:
                raise _DoneError
            step()
        return changed


class Watched:
    """A folder of sessions that is watched, and what was reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.session = folder / "session.jsonl"
        self.reports: list[ImportReport] = []
        self.failures: list[Failure] = []
        self.troubles: list[PromptVaultError] = []

    def add(self, *records: Json) -> None:
        """Add *records* to the session."""
        self.write("".join(f"{json.dumps(record)}\n" for record in records))

    def write(self, text: str, file: str = "session.jsonl") -> None:
        with (self.folder / file).open("a") as out:
            out.write(text)

    def run(self, *steps: Step, take: Take = Take.ALL) -> list[int]:
        """Watch while the *steps* are done; return how many each import added."""
        options = ImportOptions(take=take, only_news=True)
        callbacks = WatchCallbacks(
            lambda: None,
            self.reports.append,
            self.failures.append,
            self.troubles.append,
        )
        with (
            contextlib.closing(_Script(self.folder, *steps)) as changes,
            contextlib.suppress(_DoneError),
        ):
            watch.watch(workspace(), changes, options, callbacks)
        return [report.total.added for report in self.reports]


@pytest.fixture
def watched(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Return an empty folder; bursts of changes end soon."""
    monkeypatch.setattr(folder_events, "_SETTLED_MS", 20)
    monkeypatch.setattr(folder_events, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(watch, "_REST", 0)
    monkeypatch.setattr(watch, "_RETRY_SECONDS", 0)
    monkeypatch.setattr(watch, "_QUIET_SECONDS", 0)
    return Watched(tmp_path / "sessions")


def bodies(pvt: Pvt) -> set[str]:
    found = pvt("export", "-")
    return {row["body"] for row in found.json} if found.out else set()


def ids(pvt: Pvt) -> list[int]:
    return [row["id"] for row in pvt.ok("imports", "list", "--json").json]


def test_each_turn_is_an_import_that_can_be_undone(watched: Watched, pvt: Pvt) -> None:
    added = watched.run(
        lambda: watched.add(said("u1", None, "One?"), answer("a2", "u1")),
        lambda: watched.add(said("u3", "a2", "Two?")),
    )
    assert added == [1, 1]
    assert bodies(pvt) == {"One?", "Two?"}
    assert ids(pvt) == [2, 1]
    pvt.ok("imports", "undo", "2")
    assert bodies(pvt) == {"One?"}


def test_what_brings_no_prompt_leaves_no_record(watched: Watched, pvt: Pvt) -> None:
    watched.add(said("u1", None, "One?"))
    pvt.ok("import", str(watched.folder))
    added = watched.run(
        lambda: watched.add(answer("a2", "u1")),
        lambda: watched.add(said("u3", "a2", "Two?")),
        take=Take.FIRST,
    )
    assert added == []
    assert ids(pvt) == [1]


def test_what_was_undone_stays_out_until_its_file_changes(
    watched: Watched, pvt: Pvt
) -> None:
    added = watched.run(
        lambda: watched.add(said("u1", None, "One?")),
        lambda: pvt.ok("imports", "undo", "last"),
    )
    assert added == [1]
    assert bodies(pvt) == set()


def test_a_file_that_is_being_written_is_no_failure(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps([talk(message("u", "One?", 1))] * 2)

    def complete() -> None:
        watched.write(text[-9:], "chats.json")
        monkeypatch.setattr(watch, "_QUIET_SECONDS", 0)

    monkeypatch.setattr(watch, "_QUIET_SECONDS", 9)
    assert watched.run(lambda: watched.write(text[:-9], "chats.json"), complete) == [1]
    assert watched.failures == []


def test_what_stays_damaged_is_reported_once(watched: Watched) -> None:
    watched.run(
        lambda: watched.write('{"type": "user", "message": {\n'),
        lambda: watched.add(said("u1", None, "One?")),
        lambda: watched.add(answer("a2", "u1")),
    )
    assert [each.where for each in watched.failures] == ["session.jsonl, line 1"]


def test_loose_text_beside_sessions_is_left_out(watched: Watched, pvt: Pvt) -> None:
    watched.add(said("u1", None, "One?"))
    pvt.ok("import", str(watched.folder))
    note = "---\nname: review\ndescription: Reviews.\n---\nReview this code."
    assert watched.run(lambda: watched.write(note, "review.md")) == []
    assert bodies(pvt) == {"One?"}


def test_prompts_in_a_folder_of_text_are_imported(watched: Watched, pvt: Pvt) -> None:
    note = "---\nname: review\ndescription: Reviews.\n---\nReview this code."
    assert watched.run(lambda: watched.write(note, "review.md")) == [1]


def test_what_another_process_has_imported_is_no_news(
    watched: Watched, pvt: Pvt
) -> None:
    def add_and_import() -> None:
        watched.add(said("u1", None, "One?"))
        pvt.ok("import", str(watched.folder), "--take", "all")

    assert watched.run(add_and_import) == []
    assert ids(pvt) == [1]


def test_a_vault_in_use_is_waited_for(watched: Watched) -> None:
    lock = workspace().paths.lock
    ended = threading.Event()

    def hold() -> None:
        with exclusive(lock, lambda: None):
            held.set()
            ended.wait(0.3)

    held = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(9)
    assert watched.run(lambda: watched.add(said("u1", None, "One?"))) == [1]
    thread.join()


def test_a_vault_that_cannot_be_written_is_tried_again(
    watched: Watched, pvt: Pvt
) -> None:
    pvt.ok("add", "mine", "Mine.")
    lock = workspace().paths.lock
    lock.unlink()
    lock.mkdir()
    added = watched.run(
        lambda: watched.add(said("u1", None, "One?")),
        lambda: None,
        lock.rmdir,
    )
    assert added == [1]
    assert len(watched.troubles) == 1


def test_a_secret_is_held_back_as_in_any_import(watched: Watched) -> None:
    key = "AKIA" + "QWERTYUIOPASDFGH"
    watched.run(lambda: watched.add(said("u1", None, f"Why is {key} refused?")))
    assert [report.held_back for report in watched.reports] == [1]


def test_a_file_that_is_gone_at_once_is_passed_over(watched: Watched) -> None:
    def add_and_remove() -> None:
        watched.add(said("u1", None, "One?"))
        watched.session.unlink()

    def add_another() -> None:
        watched.write(json.dumps(said("u1", None, "Two?")) + "\n", "other.jsonl")

    assert watched.run(add_and_remove, add_another) == [1]
    assert watched.failures == []
