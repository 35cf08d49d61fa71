"""The run log is read as it was written."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.errors import NotFoundError
from promptvault.vault.activity.runs import (
    Run,
    RunEntry,
    RunStatus,
    add_run,
    find_run,
    read_runs,
)
from tests.conftest import NOON

AMOUNTS = st.floats(0, 1e9)
RUNS = st.builds(
    Run,
    prompt_id=st.text(),
    version_id=st.text(),
    version=st.integers(1, 1000),
    system_version_id=st.none() | st.text(),
    created_at=st.integers(0, 10**9).map(lambda n: NOON + timedelta(milliseconds=n)),
    status=st.sampled_from(RunStatus),
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
    number = add_run(path, run, output)
    assert find_run(path, number) == (RunEntry(number, run), output)
    assert list(read_runs(path, {})) == [RunEntry(number, run)]


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "activity.db"
    with pytest.raises(NotFoundError):
        find_run(path, 1)
    assert not path.exists()
