"""Names for variables: from their values, and from the text around them."""

import re
import unicodedata
from collections.abc import Sequence

from promptvault.importers.tools.template import is_variable_name

NATURAL_LANGUAGES = (
    *("Arabic", "Bengali", "Bulgarian", "Chinese", "Croatian", "Czech", "Danish"),
    *("Dutch", "English", "Estonian", "Finnish", "French", "German", "Greek"),
    *("Hebrew", "Hindi", "Hungarian", "Icelandic", "Indonesian", "Irish", "Italian"),
    *("Japanese", "Korean", "Latin", "Latvian", "Lithuanian", "Malay", "Mandarin"),
    *("Norwegian", "Persian", "Polish", "Portuguese", "Romanian", "Russian"),
    *("Serbian", "Slovak", "Slovenian", "Spanish", "Swahili", "Swedish", "Tamil"),
    *("Thai", "Turkish", "Ukrainian", "Urdu", "Vietnamese", "Welsh"),
)
CODE_LANGUAGES = (
    *("Bash", "C#", "C++", "Clojure", "Dart", "Elixir", "Erlang", "Fortran", "Golang"),
    *("Haskell", "Java", "JavaScript", "Julia", "Kotlin", "MATLAB", "PHP", "Perl"),
    *("PowerShell", "Python", "Ruby", "Rust", "Scala", "Swift", "TypeScript"),
)
MONTHS = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
DATE = (
    r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4}"
    rf"|{MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}\.? {MONTHS} \d{{4}}"
)
EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}"
URL = r"https?://[^\s<>()\[\]\"'`\0]*[^\s<>()\[\]\"'`.,;:!?\0]"
PATH = (
    r"(?:~|\.{1,2})?/(?:[\w.@+-]+/)+[\w.@+-]*[\w-]"
    r"|[A-Za-z]:\\(?:[\w.@+-]+\\)*[\w.@+-]*[\w-]"
)

_SHAPES = (
    ("email", re.compile(EMAIL)),
    ("url", re.compile(URL)),
    ("date", re.compile(DATE)),
    ("month", re.compile(MONTHS)),
    ("path", re.compile(PATH)),
    ("file", re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{1,4}\d?")),
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LANGUAGES = frozenset(
    name.casefold() for name in (*NATURAL_LANGUAGES, *CODE_LANGUAGES, "Go", "C", "SQL")
)
_LABEL = re.compile(
    r"(?:^|[\n.;,(*#>-])[ \t]*([^\W\d][\w ]{1,30}?)\W{0,2}[:=]\W*(?:(?:an?|the) )?\Z"
)
_LAST_WORD = re.compile(r"(\w+(?: \w+)?)[ \t]*[\"'“\u2018«(\[<*]*\Z")
_UNIT = re.compile(r"\A[ \t-](?:bullet )?([^\W\d]+)")
_NEXT_WORD = re.compile(r"\A[\"'”\u2019»)\]>*]*[ \t]+(\w+)")
_AFTER = {
    **dict.fromkeys(
        ("about", "regarding", "concerning", "discuss", "explain"), "topic"
    ),
    **dict.fromkeys(("named", "called", "titled", "entitled", "dear"), "name"),
    **dict.fromkeys(("are a", "are an", "as a", "as an"), "role"),
}
_NOUNS = frozenset(
    """app article audience author book brand channel character city class client
    company country customer database email event feature field file format framework
    function game genre industry job language length level library list market
    meeting method model module name novel person persona place platform position
    problem product profession programming project question recipe region role
    section sector series service skill story style subject system table target team
    theme title tone tool topic town voice website year""".split()
)
_PLAIN = "text"
"""The name if nothing better is found; it always gets a number."""
_LONG = 80


def name_variables(
    slots: Sequence[tuple[str, Sequence[str], str]],
) -> list[str]:
    """Return a name for each slot; slots with equal values share a name.

    A slot is the text before it, its values, and the text after it.
    """
    known: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    for before, values, after in slots:
        key = tuple(values)
        if key not in known:
            known[key] = unique_name(name_variable(before, values, after), taken)
            taken.add(known[key])
    return [known[tuple(values)] for _, values, _ in slots]


def unique_name(name: str, taken: set[str]) -> str:
    """Return *name*, with a number if it is taken or is the plain "text"."""
    number = 1
    numbered = f"{name}_1" if name == _PLAIN else name
    while numbered in taken:
        number += 1
        numbered = f"{name}_{number}"
    return numbered


def name_variable(before: str, values: Sequence[str], after: str) -> str:
    """Return a name for a variable with *values*, between two texts."""
    given = [value.strip() for value in values if value.strip()]
    return (
        _by_label(before)
        or _by_shape(given, after)
        or _by_neighbour(before, after)
        or _PLAIN
    )


def _by_label(before: str) -> str | None:
    """Return the label before the value, as in "Topic: …"."""
    found = _LABEL.search(before[-60:])
    return _identifier(found[1]) if found else None


def _by_shape(given: Sequence[str], after: str) -> str | None:
    for name, shape in _SHAPES:
        if given and all(map(shape.fullmatch, given)):
            return name
    if given and all(value.casefold() in _LANGUAGES for value in given):
        return "language"
    if given and all(map(_NUMBER.fullmatch, given)):
        unit = _UNIT.match(after)
        return (_identifier(unit[1]) if unit else None) or "number"
    if any("\n" in value or len(value) > _LONG for value in given):
        return _PLAIN
    return None


def _by_neighbour(before: str, after: str) -> str | None:
    following = _NEXT_WORD.match(after[:40])
    if following and following[1].lower() in _NOUNS:
        return following[1].lower()
    found = _LAST_WORD.search(before[-60:])
    if not found:
        return None
    words = found[1].lower()
    last = words.rpartition(" ")[2]
    return _AFTER.get(words) or _AFTER.get(last) or (last if last in _NOUNS else None)


def _identifier(text: str) -> str | None:
    """Return *text* as the name of a variable, None if it cannot be one."""
    words = unicodedata.normalize("NFKC", text.lower()).split()
    name = "_".join(words[-3:])
    return name if is_variable_name(name) else None
