"""Dates on Google's My Activity pages, in any language."""
# ruff: noqa: RUF001  # words of many languages, in their own letters

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_LONGEST = 64
_BUDDHIST = 543
_HOUR = 60

_TIME = re.compile(r"(?<![\d.:])(\d{1,2})([:.])(\d{2})\2(\d{2})(?![\d.:])")
_YEAR = re.compile(r"(?<!\d)(?:19|2[05])\d{2}(?!\d)")
_YEAR_FIRST = re.compile(
    r"(\d{4})\W{0,2}[年년/.-]\W?(\d{1,2})\W?[月월/.-]\W?(\d{1,2})[日일.]?"
)
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([./-]) ?(\d{1,2})\2 ?(\d{4})")
_OFFSET = re.compile(r"(?:GMT|UTC)(?: ?([+\-−–])(\d{1,2})(?::?(\d{2}))?)?\Z")
# "10. lis 2026." is October in Croatian, where "10 lis 2026" is November in Polish.
_CROATIAN = re.compile(r"\d\. ?[^\W\d]+\.? \d{4}\.")
_NUMBERED_MONTH = re.compile(r"\b(?:thg|thang) (\d{1,2})\b")

# First letters of the months from January, without accents; one language a line.
_MONTHS = """
jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec
jan|fev|mars|avr|mai|juin|juil|aou|sep|oct|nov|dec
ene|feb|mar|abr|may|jun|jul|ago|sep|oct|nov|dic
jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez
gen|feb|mar|apr|mag|giu|lug|ago|set|ott|nov|dic
jan|feb|mar|apr|mai|jun|jul|aug|sep|okt|nov|dez
jan|feb|mrt|apr|mei|jun|jul|aug|sep|okt|nov|dec
jan|feb|mar|apr|maj|jun|jul|aug|sep|okt|nov|des
jan|feb|mar|apr|mei|jun|jul|agu|sep|okt|nov|des
tammi|helmi|maalis|huhti|touko|kesa|heina|elo|syys|loka|marras|joulu
sty|lut|mar|kwi|maj|cze|lip|sie|wrz|paz|lis|gru
oca|sub|mar|nis|may|haz|tem|agu|eyl|eki|kas|ara
jan|feb|mar|apr|maj|jun|jul|aug|szept|okt|nov|dec
ian|feb|mar|apr|mai|iun|iul|aug|sep|oct|nov|dec
янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек
січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру
ιαν|φεβ|μαρ|απρ|μαι|ιουν|ιουλ|αυγ|σεπ|οκτ|νοε|δεκ
มค|กพ|มีค|เมย|พค|มิย|กค|สค|กย|ตค|พย|ธค
"""
_FILLERS = frozenset(
    "de del of at a as las la le den kl klo um om r г в о u pada pukul luc น".split()
)
_MORNING = frozenset("am fm πμ 午前 上午 오전 凌晨 清晨 早上 sa".split())
_AFTERNOON = frozenset("pm em μμ 午後 下午 오후 中午 晚上 ch".split())

# Minutes east of Greenwich. CST, IST and others with two meanings are resolved below.
_ZONES = {
    name: round(hours * _HOUR)
    for hours, names in {
        -10: "HST",
        -9: "AKST",
        -8: "PST AKDT HNP",
        -7: "PDT MST HAP HNR",
        -6: "MDT CST HAR HNC",
        -5: "CDT EST HAC HNE",
        -4: "EDT AST HAE HNA",
        -3.5: "NST",
        -3: "ADT BRT ART HAA",
        -2.5: "NDT",
        0: "Z WET",
        1: "CET MEZ SEČ BST WEST WAT",
        2: "CEST MESZ SELČ EET OEZ SAST CAT",
        3: "EEST OESZ MSK МСК TRT EAT",
        7: "WIB ICT",
        8: "WITA HKT SGT AWST",
        9: "WIT JST KST",
        9.5: "ACST",
        10: "AEST",
        10.5: "ACDT",
        11: "AEDT",
        12: "NZST",
        13: "NZDT",
    }.items()
    for name in names.split()
}


def is_date(line: str) -> bool:
    """Return True if all of *line* looks like a date with a time, readable or not."""
    if len(line) > _LONGEST:
        return False
    text = _plain(line)
    return bool(_YEAR.search(text) and (_TIME.search(text) or _iso(text)))


def parse_date(line: str) -> datetime | None:
    """Return the aware UTC time in *line*, in whole seconds.

    Return None if it is not certain: the order of day and month, the zone or a word may
    be unknown.
    """
    text = _plain(line)
    if found := _iso(text):
        return found
    time = _TIME.search(text)
    if not time:
        return None
    rest = f"{text[: time.start()]} {text[time.end() :]}"
    try:
        return _assembled(rest, int(time[1]), int(time[3]), int(time[4]))
    except (ValueError, OverflowError):
        return None


def _plain(line: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", line).split())


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(microsecond=0) if found.tzinfo else None


def _assembled(rest: str, hour: int, minute: int, second: int) -> datetime | None:
    rest, offset = _without_zone(rest)
    year, month, day, words = _calendar_day(rest)
    afternoon = any(word in _AFTERNOON for word in words)
    twelve_hours = afternoon or any(word in _MORNING for word in words)
    strange = [w for w in words if w not in _FILLERS | _MORNING | _AFTERNOON]
    if strange or not (year and month and day):
        return None
    if isinstance(offset, str):
        offset = _offset(offset, "年" in rest, twelve_hours)
    if offset is None:
        return None
    if twelve_hours:
        hour = hour % 12 + 12 * afternoon
    local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return local - timedelta(minutes=offset)


def _without_zone(rest: str) -> tuple[str, int | str | None]:
    """Return *rest* without the zone at its end, and the zone's offset or name."""
    rest = rest.strip()
    if found := _OFFSET.search(rest):
        sign = 1 if found[1] == "+" else -1
        offset = sign * (int(found[2] or 0) * _HOUR + int(found[3] or 0))
        return rest[: found.start()], offset
    before, _, name = rest.rpartition(" ")
    return before, name


def _offset(zone: str, chinese: bool, twelve_hours: bool) -> int | None:
    if zone == "CST" and chinese:
        return 8 * _HOUR
    if zone == "IST":  # India writes AM and PM; otherwise it is Ireland or Israel
        return 5 * _HOUR + 30 if twelve_hours else None
    return _ZONES.get(zone)


@lru_cache(maxsize=64)  # a day has many activities
def _calendar_day(text: str) -> tuple[int | None, int | None, int | None, list[str]]:
    """Return year, month and day if they are certain, and all other words."""
    if found := _YEAR_FIRST.search(text):
        year, month, day = map(int, found.groups())
        return _year(year), month, day, _words(text.replace(found[0], " "))
    if found := _YEAR_LAST.search(text):
        one, other, year = int(found[1]), int(found[3]), int(found[4])
        words = _words(text.replace(found[0], " "))
        if found[2] != "/" or one > 12:
            return _year(year), other, one, words
        return _year(year), one if other > 12 or one == other else None, other, words
    return _with_named_month(text)


def _with_named_month(
    text: str,
) -> tuple[int | None, int | None, int | None, list[str]]:
    month = None
    text = _bare(text)
    if _CROATIAN.search(text):
        return None, None, None, []
    if found := _NUMBERED_MONTH.search(text):
        month, text = int(found[1]), text.replace(found[0], " ")
    words = []
    numbers = []
    for word in _words(text):
        if word.isdecimal():
            numbers.append(int(word))
        elif month is None and word not in _FILLERS and (named := _month(word)):
            month = named
        else:
            words.append(word)
    if len(numbers) != 2:
        return None, None, None, words
    day, year = sorted(numbers)
    return _year(year), month, day, words


def _year(year: int) -> int:
    return year - _BUDDHIST if year > 2400 else year


def _words(text: str) -> list[str]:
    """Split at blanks and commas; "a.m." becomes "am" and "12." becomes "12"."""
    bare = _bare(text).replace(".", "")
    return [word for word in re.split(r"[\s,،]+", bare) if word]


def _bare(text: str) -> str:
    """Return *text* in lower case without accents."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(c for c in letters if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _month(word: str) -> int | None:
    beginnings = (word[:length] for length in range(len(word), 1, -1))
    return next((_BY_STEM[stem] for stem in beginnings if stem in _BY_STEM), None)


_BY_STEM = {
    _bare(stem): number
    for language in _MONTHS.split()
    for number, stem in enumerate(language.split("|"), 1)
}
