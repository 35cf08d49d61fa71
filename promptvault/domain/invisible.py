"""Characters that a reader does not see: they can hide instructions in a prompt."""

import re
import unicodedata
from collections.abc import Iterator

# Control characters, format characters with those that change the direction of text,
# variation selectors, tags, and letters and spaces without a glyph. Line ends and tabs
# are none of them.
_INVISIBLE = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_EMOJI_STYLE = "\ufe0e\ufe0f"
_MARKS = frozenset({"Mn", "Mc"})
# In these scripts the joiners decide how letters look.
_JOINED = (
    *("ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI"),
    *("GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
    *("KHMER", "MYANMAR", "TIBETAN"),
)


def find_invisible(text: str) -> Iterator[int]:
    """Yield the position of each invisible character in *text*.

    A joiner or a selector that only decides how its neighbours look is left out: in an
    emoji, or in a script such as Arabic.
    """
    if text.isascii() and text.isprintable():
        return
    for found in _INVISIBLE.finditer(text):
        if not _is_ordinary(text, found.start()):
            yield found.start()


def describe_invisible(character: str) -> str:
    """Return the code point of a character, such as ``U+200B``."""
    return f"U+{ord(character):04X}"


def _is_ordinary(text: str, at: int) -> bool:
    character = text[at]
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if character in _EMOJI_STYLE:
        return _is_symbol(before) or (before in "#*0123456789" and before != "")
    if character not in _JOINERS or not before or not after:
        return False
    if character == "\u200d" and _is_symbol(after):
        return _is_symbol(before) or before in _EMOJI_STYLE
    return _is_joined(before) and _is_joined(after)


def _is_symbol(character: str) -> bool:
    return character != "" and unicodedata.category(character) in {"So", "Sk"}


def _is_joined(character: str) -> bool:
    category = unicodedata.category(character)
    is_letter = category.startswith("L") or category in _MARKS
    return is_letter and unicodedata.name(character, "").startswith(_JOINED)
