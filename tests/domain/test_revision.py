"""REV: numbers, times, labels and commits, distinguished by their form."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.revision import (
    AsOf,
    Named,
    Number,
    parse_revision,
    validate_label,
    validate_new_label,
)
from promptvault.errors import InvalidInputError

LABELS = st.from_regex(r"[a-z_][a-z0-9_.-]{0,63}", fullmatch=True)


@given(st.text() | st.from_regex(r"-?\d{4}(-\d\d-\d\d.*)?"))
def test_any_text_is_a_revision_or_a_plain_error(text: str) -> None:
    message = ""
    try:
        assert isinstance(parse_revision(text), Number | AsOf | Named)
    except InvalidInputError as error:
        message = str(error)
    assert message.isprintable()  # it is printed on a terminal


@given(st.integers(-999_999, 999_999).filter(bool))
def test_numbers(number: int) -> None:
    assert parse_revision(str(number)) == Number(number)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_as_they_are_written(time: datetime) -> None:
    assert parse_revision(time.isoformat()) == AsOf(time)


@pytest.mark.parametrize("text", ["0", "-0", "000"])
def test_there_is_no_version_0(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no version 0"):
        parse_revision(text)


_BERLIN = {
    # In winter, in summer, and what is left out means its end.
    "2026-01-05 09:30": "2026-01-05T08:30:59.999Z",
    "2026-05-01T09:30": "2026-05-01T07:30:59.999Z",
    "2026-05-01 09:30:00": "2026-05-01T07:30:00.000Z",
    "2026-05-01": "2026-05-01T21:59:59.999Z",
    # The day on which clocks go forward has 23 hours, that on which they go back 25.
    "2026-03-29": "2026-03-29T21:59:59.999Z",
    "2026-10-25": "2026-10-25T22:59:59.999Z",
    # From 02:00 to 03:00 clocks show no time, or every time twice.
    "2026-03-29 02:30": "2026-03-29T01:30:59.999Z",
    "2026-10-25 02:30": "2026-10-25T01:30:59.999Z",
    "2026-10-25 02:30 +0200": "2026-10-25T00:30:59.999Z",
    # A given time zone counts.
    "2026-05-01T09:30Z": "2026-05-01T09:30:59.999Z",
    "2026-05-01 09:30:15.250 -05:00": "2026-05-01T14:30:15.250Z",
}
_PRINT = """
import sys
from promptvault.domain.revision import parse_revision
from promptvault.domain.timestamp import to_text
for text in sys.argv[1:]:
    print(to_text(parse_revision(text).time))
"""


def test_a_time_is_local_unless_it_has_a_zone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PRINT, *_BERLIN],
        env={**os.environ, "TZ": "Europe/Berlin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert dict(zip(_BERLIN, done.stdout.split(), strict=True)) == _BERLIN


@pytest.mark.parametrize("text", ["abcdef0", "0" * 7, "a" * 40])
def test_a_new_label_does_not_read_as_a_commit(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"commit|no label"):
        validate_new_label(text)
    assert validate_new_label("cafe") == "cafe"


@given(LABELS)
def test_every_label_can_be_asked_for(label: str) -> None:
    assert parse_revision(validate_label(label)) == Named(label)


@given(st.from_regex(r"[0-9a-f]{4,40}", fullmatch=True))
def test_every_commit_can_be_asked_for(commit: str) -> None:
    if commit.isdigit() and len(commit) <= 6 and not int(commit):
        return  # version 0 does not exist
    revision = parse_revision(commit)
    if isinstance(revision, Named):
        assert revision.may_be_commit
    else:
        assert commit.isdigit()  # a short number is a version


def test_a_commit_of_digits_alone_is_one_when_it_is_long() -> None:
    assert parse_revision("1234567") == Named("1234567")


@pytest.mark.parametrize(
    "text",
    ["", "1.5", "--1", "A", "prod uction", "é", "abc", "2026-13-01", "2026-05-01x"],
)
def test_what_is_no_revision(text: str) -> None:
    if text == "abc":
        assert parse_revision(text) == Named("abc")  # a label; too short for a commit
        return
    with pytest.raises(InvalidInputError):
        parse_revision(text)


@given(st.text())
def test_labels_are_what_the_rule_says(text: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz_")
    rest = allowed | set("0123456789.-")
    good = text[:1] in allowed and set(text) <= rest and 0 < len(text) <= 64
    if good:
        assert validate_label(text) == text
    else:
        with pytest.raises(InvalidInputError):
            validate_label(text)


@pytest.mark.parametrize("text", ["", "1", "-1", "Prod", "a b", "a@b", "a\n", "x" * 65])
def test_bad_labels(text: str) -> None:
    with pytest.raises(InvalidInputError):
        validate_label(text)
