"""What My Activity writes around a prompt, such as "Prompted", in many languages."""
# ruff: noqa: RUF001  # words of many languages, in their own letters

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Words before a prompt, in each language seen so far. A colon is written if it always
# follows; it may follow any other.
_BEFORE = (
    "Prompted",
    "Live Prompt",
    "Branched",
    "Asked",
    "Said",
    "Answered",
    "Submitted query",
    "Query submitted",
    "Angefordert",
    "Consulta:",
    "Eingegebener Prompt",
    "Fez uma pergunta:",
    "Gav instruktionen",
    "Hai chiesto",
    "Has conversado con Gemini",
    "Has dicho",
    "Hiciste la petición",
    "Preguntado",
    "Prompt:",
    "Υποβλήθηκε το ερώτημα",
    "Запит:",
    "Отправлен запрос",
    "Промпт:",
    "プロンプト:",
    "送信したメッセージ:",
    "已提示",
    "분기된",
)
# Words after a prompt, in languages with the verb at the end.
_BEHIND = ("sorgusuna yanıt istendi",)
# Words before any other action.
_OTHER = (
    "Added",
    "Answered survey",
    "Cleared",
    "Created",
    "Deleted",
    "Gave",
    "Geri bildirim gönderildi",
    "Kullanıldı:",
    "Searched for",
    "Selected",
    "Shared",
    "Uploaded",
    "Used",
    "Viewed",
    "Visited",
    "使用:",
)
_FEWEST = 10
"""Distinct prompts needed to see what is written around all of them."""
_NEARLY_ALL = 0.9
_LONGEST = 50
_WORD = re.compile(r"[^\s:：]+")
# Pages have a no-break space between verb and prompt.
_WORDS = re.compile(r"[^\xa0]*?\xa0|.*[\s:：]", re.DOTALL)


def _pattern(words: Iterable[str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s") for word in words)


def _beginning(verbs: tuple[str, ...]) -> re.Pattern[str]:
    either = _pattern(verb for verb in verbs if not verb.endswith(":"))
    colon = _pattern(verb[:-1] for verb in verbs if verb.endswith(":"))
    return re.compile(
        rf"\s*(?:(?:{either})(?:\s*[:：]|(?=\s)|\Z)|(?:{colon})\s*[:：])\s*"
    )


_PROMPTED = _beginning(_BEFORE)
_DONE = _beginning(_OTHER)


class PromptFrame(NamedTuple):
    """What is written around every prompt in an unknown language."""

    before: str = ""
    behind: str = ""

    def prompt(self, title: str) -> str | None:
        """Return the text within, None if *title* has no such frame."""
        framed = title.startswith(self.before) and title.endswith(self.behind)
        if not any(self) or not framed:
            return None
        return title[len(self.before) : len(title) - len(self.behind)]


def prompt_in(title: str) -> str | None:
    """Return the prompt in *title*, None if no known words mark it as one."""
    if (inner := _before_verb(title)) is not None:
        return inner
    before = None if is_other(title) else _PROMPTED.match(title)
    return title[before.end() :] if before else None


def _before_verb(title: str) -> str | None:
    bare = title.rstrip()
    verb = next(filter(bare.endswith, _BEHIND), None)
    inner = bare.removesuffix(verb) if verb else ""
    return inner[:-1] if inner[-1:].isspace() else None


def is_prompted(verb: str) -> bool:
    """Return True if *verb* says that a prompt was sent."""
    return bool(_PROMPTED.fullmatch(verb))


def is_other(title: str) -> bool:
    """Return True if *title* begins with the verb of another action."""
    return bool(_DONE.match(title))


def find_frame(titles: Iterable[str]) -> PromptFrame:
    """Return what nearly all of *titles* begin or end with, an empty frame if they
    differ.

    Google writes the same words around every prompt; what people write differs.
    """
    different = list(dict.fromkeys(titles))
    before = _shared(different)
    behind = _shared([title[::-1] for title in different])[::-1]
    return PromptFrame(before) if before else PromptFrame(behind=behind)


def _shared(titles: Sequence[str]) -> str:
    """Return the words that nine in ten of *titles* begin with."""
    words = Counter(found[0] for found in map(_WORD.match, titles) if found)
    [(word, number)] = words.most_common(1) or [("", 0)]
    if number < max(_FEWEST, _NEARLY_ALL * len(titles)):
        return ""
    alike = [title for title in titles if title.startswith(word)]
    found = _WORDS.match(_common_start(min(alike), max(alike))[:_LONGEST])
    return found[0] if found else ""


def _common_start(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    return next((one[:end] for end, (a, b) in pairs if a != b), one)
