"""Logs in JSON Lines: which lines are parsed, and what becomes of damaged ones."""

import re
from pathlib import Path

import pytest

from promptvault.importers.input.candidate import Failure
from promptvault.importers.input.document import Document, documents_at
from promptvault.importers.input.log_record import log_records
from tests.importers.build import document

WANTED = re.compile(rb'"a"')


def read(data: bytes) -> list[object]:
    return list(log_records(document(data, "x"), WANTED))


def test_only_lines_that_match_are_yielded() -> None:
    assert read(b'{"b":1}\n{"a":1}\n{"b":2}\n{"a":2}\n') == [{"a": 1}, {"a": 2}]


def test_two_matches_in_one_line_yield_it_once() -> None:
    assert read(b'{"a":{"a":1}}\n{"b":"\\"a\\""}\n') == [{"a": {"a": 1}}]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_ends_of_lines(end: bytes) -> None:
    assert read(end.join([b'{"a":1}', b"", b'{"b":1}', b'{"a":2}'])) == [
        {"a": 1},
        {"a": 2},
    ]


def test_a_line_that_is_no_object_is_a_failure() -> None:
    found = read(b'{"b":1}\n{"b":\n{"a":1}\n')
    assert found[1:] == [{"a": 1}]
    assert isinstance(found[0], Failure)
    assert found[0].where == "x, line 2"


def test_numbers_of_lines_count_over_blocks() -> None:
    filler = b'{"b":"%s"}\n' % (b"x" * 100_000) * 30
    (failure,) = read(filler + b'{"a":}\n' + filler)
    assert isinstance(failure, Failure)
    assert failure.where == "x, line 31"


def test_line_without_an_end_is_read_if_it_is_whole() -> None:
    assert read(b'{"b":1}\n{"a":1}') == [{"a": 1}]
    assert read(b'{"a":1}\n{"a":2') == [{"a": 1}]


def test_log_that_grows_while_it_is_read(tmp_path: Path) -> None:
    log = tmp_path / "x.jsonl"
    log.write_bytes(b'{"a":1}\n' * 2)
    (found,) = documents_at(log)
    assert isinstance(found, Document)
    records = log_records(found, WANTED)
    first = next(records)
    with log.open("ab") as file:
        file.write(b'{"a":2}\n{"a":')
    assert [first, *records] == [{"a": 1}, {"a": 1}, {"a": 2}]
