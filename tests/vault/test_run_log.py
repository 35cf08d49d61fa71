"""The run log gives back what was put in, newest first."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.errors import NotFoundError, VaultError
from promptvault.vault import run_log
from promptvault.vault.run_log import Entry, Run, Status
from tests.conftest import NOON

RUN = Run(
    prompt_id="prompt",
    version_id="version",
    version=3,
    system_version_id=None,
    started_at=NOON,
    status=Status.DONE,
    error=None,
    model="test-model",
    endpoint="http://127.0.0.1/v1",
    cached=False,
    is_cut=False,
    input_tokens=20,
    output_tokens=10,
    tokens_estimated=False,
    cost=0.25,
    seconds=1.5,
    first_seconds=0.5,
)
AMOUNTS = st.floats(0, 1e9)
RUNS = st.builds(
    Run,
    prompt_id=st.text(),
    version_id=st.text(),
    version=st.integers(1, 1000),
    system_version_id=st.none() | st.text(),
    started_at=st.integers(0, 10**9).map(lambda n: NOON + timedelta(milliseconds=n)),
    status=st.sampled_from(Status),
    error=st.none() | st.text(),
    model=st.text(),
    endpoint=st.text(),
    cached=st.booleans(),
    is_cut=st.booleans(),
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    tokens_estimated=st.booleans(),
    cost=st.none() | AMOUNTS,
    seconds=AMOUNTS,
    first_seconds=st.none() | AMOUNTS,
)


@given(run=RUNS, output=st.text())
def test_what_is_kept_is_found(
    tmp_path_factory: pytest.TempPathFactory, run: Run, output: str
) -> None:
    path = tmp_path_factory.mktemp("log") / "activity.db"
    number = run_log.keep(path, run, output)
    assert run_log.find(path, number) == (Entry(number, run), output)
    assert list(run_log.entries(path, {})) == [Entry(number, run)]


def test_newest_first_and_only_what_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    runs = [
        RUN,
        RUN._replace(version_id="other"),
        RUN._replace(prompt_id="other", version_id="third"),
    ]
    first, second, third = (run_log.keep(path, run, "") for run in runs)

    def numbers(condition: dict[str, str], limit: int | None = None) -> list[int]:
        return [entry.id for entry in run_log.entries(path, condition, limit)]

    assert numbers({}) == [third, second, first]
    assert numbers({}, 2) == [third, second]
    assert numbers({"prompt_id": "prompt"}) == [second, first]
    assert numbers({"version_id": "version"}) == [first]
    assert numbers({"prompt_id": "none"}) == []


def test_without_runs_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    assert list(run_log.entries(path, {})) == []
    with pytest.raises(NotFoundError):
        run_log.find(path, 1)
    assert not path.exists()
    run_log.keep(path, RUN, "")
    with pytest.raises(NotFoundError):
        run_log.find(path, 2)


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(VaultError):
        run_log.keep(tmp_path, RUN, "")
    (tmp_path / "file").touch()
    with pytest.raises(VaultError):
        run_log.keep(tmp_path / "file" / "activity.db", RUN, "")
