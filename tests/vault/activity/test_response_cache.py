"""The cache of answers: if its file is damaged, it is empty."""

import multiprocessing
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.chat import Usage
from promptvault.errors import VaultError
from promptvault.vault.activity.response_cache import (
    CachedAnswer,
    CacheStatistics,
    ResponseCache,
)
from tests.conftest import NOON

ANSWER = CachedAnswer("Grüße 🎉", Usage(3, 4, is_estimate=True), 0.25, 1.5, is_cut=True)
NOTHING = CacheStatistics(0, 0, 0, 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the cache."""
    return tmp_path / "cache" / "responses.db"


def test_what_is_kept_is_found(path: Path) -> None:
    cache = ResponseCache(path)
    assert cache.find("a", NOON) is None

    cache.add("a", "m", ANSWER, NOON)

    assert cache.find("a", NOON) == ANSWER
    assert cache.find("b", NOON) is None


def test_a_later_answer_takes_the_place_of_an_earlier_one(path: Path) -> None:
    cache = ResponseCache(path)
    cache.add("a", "m", ANSWER, NOON)

    cache.add("a", "m", ANSWER._replace(text="New."), NOON)

    found = cache.find("a", NOON)
    assert found is not None
    assert found.text == "New."
    assert cache.statistics().answers == 1


def test_looking_makes_no_file(path: Path) -> None:
    cache = ResponseCache(path)

    assert (cache.find("a", NOON), cache.statistics(), cache.clear()) == (
        None,
        NOTHING,
        0,
    )
    assert not path.parent.exists()


def test_it_knows_what_it_spared(path: Path) -> None:
    cache = ResponseCache(path)
    cache.add("a", "m", ANSWER, NOON)
    cache.add("b", "m", ANSWER._replace(cost=None), NOON)
    for key in "aaab":
        cache.find(key, NOON)

    statistics = cache.statistics()

    assert statistics == (2, path.stat().st_size, 4, 0.75)


def test_clear_forgets_all(path: Path) -> None:
    cache = ResponseCache(path)
    for key in "abc":
        cache.add(key, "m", ANSWER._replace(text="secret words" * 50_000), NOON)

    assert cache.clear() == 3
    assert path.stat().st_size < 100_000

    assert cache.statistics()[::2] == (0, 0)
    assert cache.find("a", NOON) is None
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"secret words" not in files


DAMAGES = {
    "no database": b"no database at all" * 500,
    "empty": b"",
    "header alone": b"SQLite format 3\0" + b"\xff" * 4000,
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    cache = ResponseCache(path)

    assert cache.find("a", NOON) is None
    cache.add("a", "m", ANSWER, NOON)

    assert cache.find("a", NOON) == ANSWER


@given(st.integers(0, 2**16), st.integers(1, 255))
def test_any_byte_may_be_damaged(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    path = tmp_path_factory.mktemp("cache") / "responses.db"
    cache = ResponseCache(path)
    for number in range(40):
        cache.add(str(number), "m", ANSWER._replace(text="x" * 600), NOON)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= change
    path.write_bytes(data)

    for number in range(40):
        cache.find(str(number), NOON)
    cache.statistics()
    cache.add("new", "m", ANSWER, NOON)
    cache.add("new", "m", ANSWER, NOON)


@pytest.mark.parametrize(
    "answer", ["{", "[]", "null", "{}", '{"text": "x"}', '{"usage": 7}', '{"new": 1}']
)
def test_a_row_that_cannot_be_read_is_none(path: Path, answer: str) -> None:
    cache = ResponseCache(path)
    cache.add("a", "m", ANSWER, NOON)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE responses SET answer = ?", (answer,))
    connection.close()

    assert cache.find("a", NOON) is None
    cache.statistics()
    cache.add("a", "m", ANSWER, NOON)
    assert cache.find("a", NOON) == ANSWER


def test_a_folder_that_is_a_file(path: Path) -> None:
    path.parent.write_text("no folder")
    cache = ResponseCache(path)

    cache.add("a", "m", ANSWER, NOON)

    assert (cache.find("a", NOON), cache.statistics()) == (None, NOTHING)


def test_a_place_that_is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)
    cache = ResponseCache(path)

    cache.add("a", "m", ANSWER, NOON)

    assert (cache.find("a", NOON), cache.statistics()) == (None, NOTHING)
    with pytest.raises(VaultError, match="cannot be deleted"):
        cache.clear()


def test_a_cache_that_another_program_holds(path: Path) -> None:
    cache = ResponseCache(path, patience=0.05)
    cache.add("a", "m", ANSWER, NOON)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        cache.add("b", "m", ANSWER, NOON)
        assert cache.find("a", NOON) is None
        with pytest.raises(VaultError):
            cache.clear()
        other.execute("ROLLBACK")
    other.close()

    assert cache.find("a", NOON) == ANSWER
    assert cache.find("b", NOON) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_disk_that_is_full(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("/dev/full")
    cache = ResponseCache(path)

    cache.add("a", "m", ANSWER, NOON)

    assert cache.find("a", NOON) is None


def test_a_place_where_nothing_can_be_written(path: Path) -> None:
    path.parent.write_text("a file, where the folder should be")
    cache = ResponseCache(path)

    cache.add("a", "m", ANSWER, NOON)

    assert cache.find("a", NOON) is None
    assert cache.statistics() == NOTHING


def test_those_not_used_for_longest_go_when_it_is_full(path: Path) -> None:
    cache = ResponseCache(path, max_bytes=200_000)
    large = ANSWER._replace(text="x" * 10_000)
    for number in range(60):
        time = NOON + timedelta(minutes=number)
        cache.add(str(number), "m", large, time)
        assert cache.find("0", time) == large  # in use all the time

    held = [n for n in range(60) if cache.find(str(n), NOON)]
    assert held[0] == 0
    assert held[1:] == list(range(held[1], 60))
    assert 8 <= len(held) <= 20
    assert path.stat().st_size <= 300_000


def test_an_answer_larger_than_the_cache(path: Path) -> None:
    cache = ResponseCache(path, max_bytes=50_000)

    cache.add("a", "m", ANSWER._replace(text="x" * 100_000), NOON)
    cache.add("b", "m", ANSWER, NOON)

    assert cache.find("b", NOON) == ANSWER


def fill(path: Path, gate: object, number: int) -> int:
    """Store and find answers; return how many were found."""
    gate.wait()  # type: ignore[attr-defined]
    cache = ResponseCache(path)
    keys = [f"{number}-{each}" for each in range(20)]
    for key in keys:
        cache.add(key, "m", ANSWER, NOON)
    return sum(cache.find(key, NOON) == ANSWER for key in keys)


def empty(path: Path, gate: object, _: int) -> int:
    """Clear it repeatedly; return how many answers were deleted."""
    gate.wait()  # type: ignore[attr-defined]
    return sum(ResponseCache(path).clear() for _ in range(10))


def test_processes_fill_it_together(path: Path) -> None:
    """Also on the very first use, when all of them create the file at once."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(4) as pool:
        gate = manager.Barrier(4)
        found = pool.starmap(fill, [(path, gate, n) for n in range(4)], chunksize=1)

    assert found == [20] * 4
    assert ResponseCache(path).statistics().answers == 80


def test_processes_clear_it_while_others_fill_it(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(4) as pool:
        gate = manager.Barrier(4)
        jobs = [pool.apply_async(fill, (path, gate, n)) for n in range(2)]
        jobs += [pool.apply_async(empty, (path, gate, n)) for n in range(2)]
        _, _, *cleared = [job.get(timeout=120) for job in jobs]

    assert sum(cleared) + ResponseCache(path).statistics().answers == 40
