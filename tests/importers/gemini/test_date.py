"""Dates of My Activity pages, in many languages; None if they are ambiguous."""

# ruff: noqa: RUF001  # words of many languages, in their own letters
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptvault.importers.gemini.date import is_date, parse_date


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("May 19, 2026, 7:07:02\u202fPM GMT-03:00", "2026-05-19T22:07:02"),
        ("Jan 2, 2025, 12:04:05 AM EDT", "2025-01-02T04:04:05"),
        ("Jan 2, 2025, 12:04:05 PM PST", "2025-01-02T20:04:05"),
        ("18 Sept 2025, 12:01:52 CET", "2025-09-18T11:01:52"),
        ("10 May 2026, 3:04:05 pm IST", "2026-05-10T09:34:05"),
        ("10 de mai. de 2026, 03:46:09 BRT", "2026-05-10T06:46:09"),
        ("10 ago 2026, 3:04:05 p.m. GMT-5", "2026-08-10T20:04:05"),
        ("28 févr. 2026, 22:30:00 CET", "2026-02-28T21:30:00"),
        ("2 déc. 2025 à 10:00:01 UTC+1", "2025-12-02T09:00:01"),
        ("2 lug 2026, 10:00:01 CEST", "2026-07-02T08:00:01"),
        ("18.04.2026, 17:38:51 MESZ", "2026-04-18T15:38:51"),
        ("17. Feb. 2026, 15:08:20 CET", "2026-02-17T14:08:20"),
        ("4 juli 2026 09:15:00 CEST", "2026-07-04T07:15:00"),
        ("10.5.2026 klo 15.04.05 EEST", "2026-05-10T12:04:05"),
        ("10 lis 2026, 15:04:05 CET", "2026-11-10T14:04:05"),
        ("10. 5. 2026 15:04:05 SEČ", "2026-05-10T14:04:05"),
        ("2026. máj. 10. 10:00:01 CEST", "2026-05-10T08:00:01"),
        ("10 Ağu 2026 15:04:05 GMT+3", "2026-08-10T12:04:05"),
        ("13 июн. 2026 г., 15:04:05 MSK", "2026-06-13T12:04:05"),
        ("10 Μαΐ 2026, 3:46:09 μ.μ. EEST", "2026-05-10T12:46:09"),
        ("2026年6月19日 12:23:08 CST", "2026-06-19T04:23:08"),
        ("2026年6月19日 下午3:23:08 CST", "2026-06-19T07:23:08"),
        ("2025/11/13 20:10:22 JST", "2025-11-13T11:10:22"),
        ("2026. 5. 10. 오후 3:46:09 KST", "2026-05-10T06:46:09"),
        ("10:00:01 10 thg 5, 2026 GMT+7", "2026-05-10T03:00:01"),
        ("10 พ.ค. 2569 10:00:01 GMT+7", "2026-05-10T03:00:01"),
        ("25/05/2026, 10:00:01 CEST", "2026-05-25T08:00:01"),
        ("2026-05-10 10:00:01 CEST", "2026-05-10T08:00:01"),
        ("2026-09-02T12:00:00.250Z", "2026-09-02T12:00:00"),
    ],
)
def test_dates_of_many_languages(line: str, expected: str) -> None:
    assert is_date(line)
    assert parse_date(line) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "10/05/2026, 10:00:01 CEST",  # the tenth of May, or the fifth of October
        "10 May 2026, 15:04:05 IST",  # of Ireland, or of Israel
        "10. lis 2026. 15:04:05 CET",  # Croatian
        "May 1, 2026, 9:00:00 AM XYZ",
        "May 1, 2026, 9:00:00 AM",
        "10 Floréal 2026, 15:04:05 CET",
        "10 May 2026, 15:04:05 zzz CET",
        "35 May 2026, 15:04:05 CET",
        "10 May 2026, 25:04:05 CET",
    ],
)
def test_what_is_not_certain_has_no_time_but_is_a_date(line: str) -> None:
    assert is_date(line)
    assert parse_date(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Tell me about 2026",
        "At 10:00:01 or later",
        "On May 19, 2026, 7:07:02 PM GMT-03:00 we met, and I would like to know why",
    ],
)
def test_other_lines_are_no_dates(line: str) -> None:
    assert not is_date(line)


@given(st.text() | st.from_regex(r"[0-9. :/,年月日APM]{,40}"))
def test_any_line_can_be_asked(line: str) -> None:
    is_date(line)
    found = parse_date(line)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime(2023, 1, 1), datetime(2030, 1, 1)))
def test_english_dates_come_back(time: datetime) -> None:
    time = time.replace(microsecond=0)
    line = time.strftime("%b %d, %Y, %I:%M:%S\u202f%p UTC")
    assert parse_date(line) == time.replace(tzinfo=UTC)
