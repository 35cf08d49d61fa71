"""REV: numbers, times, labels and commits, told apart by their looks."""

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
    assert message.isprintable()  # it goes to a terminal


@given(st.integers(-999_999, 999_999))
def test_numbers(number: int) -> None:
    assert parse_revision(str(number)) == Number(number)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_as_they_are_written(time: datetime) -> None:
    assert parse_revision(time.isoformat()) == AsOf(time)


def test_a_day_lasts_to_its_end() -> None:
    end = datetime(2026, 5, 1, 23, 59, 59, 999_000, UTC)
    assert parse_revision("2026-05-01") == AsOf(end)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-05-01T09:30", 9),
        ("2026-05-01 09:30", 9),
        ("2026-05-01T09:30Z", 9),
        ("2026-05-01T09:30+02:00", 7),
    ],
)
def test_a_time_without_zone_is_utc(text: str, hour: int) -> None:
    assert parse_revision(text) == AsOf(datetime(2026, 5, 1, hour, 30, tzinfo=UTC))


@given(LABELS)
def test_every_label_can_be_asked_for(label: str) -> None:
    assert parse_revision(validate_label(label)) == Named(label)


@given(st.from_regex(r"[0-9a-f]{4,40}", fullmatch=True))
def test_every_commit_can_be_asked_for(commit: str) -> None:
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
