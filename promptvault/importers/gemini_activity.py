"""One activity of Google's My Activity: whether it is Gemini's, and a prompt."""
# ruff: noqa: RUF001  # words of many languages, in their own letters

import re
from datetime import datetime
from typing import NamedTuple

# What the product is called in each language.
_PRODUCTS = frozenset(
    {
        "Bard",
        "Google Bard",
        "Gemini",
        "Gemini Apps",
        "Gemini Uygulamaları",
        "Gemini ऐप्लिकेशन",
        "Gemini アプリ",
        "Gemini 应用",
        "Gemini 應用程式",
        "Gemini 系列應用程式",
        "Gemini 앱",
        "Gemini-Apps",
        "Gemini-alkalmazások",
        "Gemini-appar",
        "Gemini-apper",
        "Gemini-apps",
        "Gemini-sovellukset",
        "Aplicaciones de Gemini",
        "Aplicativos do Gemini",
        "Aplicații Gemini",
        "Aplicațiile Gemini",
        "Aplicações Gemini",
        "Aplikace Gemini",
        "Aplikacje Gemini",
        "Aplikasi Gemini",
        "Aplikácie Gemini",
        "App Gemini",
        "App di Gemini",
        "Applications Gemini",
        "Apps Gemini",
        "Apps con Gemini",
        "Apps de Gemini",
        "Apps do Gemini",
        "Ứng dụng Gemini",
        "Εφαρμογές Gemini",
        "Додатки Gemini",
        "Приложения Gemini",
        "אפליקציות Gemini",
        "تطبيقات Gemini",
        "แอป Gemini",
    }
)
# What stands before a prompt, in each language that has been seen. A colon that
# always follows is written; one may follow any other.
_PROMPT_VERBS = (
    "Prompted",
    "Live Prompt",
    "Branched",
    "Asked",
    "Said",
    "Answered",
    "Submitted query",
    "Query submitted",
    "Angefordert",
    "Eingegebener Prompt",
    "Gav instruktionen",
    "Hai chiesto",
    "Has dicho",
    "Hiciste la petición",
    "Preguntado",
    "Prompt:",
    "Υποβλήθηκε το ερώτημα",
    "Отправлен запрос",
    "プロンプト:",
    "送信したメッセージ:",
    "已提示",
    "분기된",
)
# What stands before anything else that was done in the product.
_OTHER_VERBS = (
    "Added",
    "Answered survey",
    "Cleared",
    "Created",
    "Deleted",
    "Gave",
    "Searched for",
    "Selected",
    "Shared",
    "Uploaded",
    "Used",
    "Viewed",
    "Visited",
    "使用:",
)
_BRAND = re.compile(r"(?<![A-Za-z])(?:Gemini|Bard)(?![A-Za-z])")
_CHAT = re.compile(
    r"https?://(?:gemini|bard)\.google\.com/(?:u/\d+/)?(?:app|chat)/(?:c/)?([\w-]{6,})"
)
_CANVAS = "Gemini Canvas"
_EVENT_WORDS = 25
"""How much longer than the product's name "Used Gemini Apps" is in any language."""


def _beginning(verbs: tuple[str, ...]) -> re.Pattern[str]:
    fixed = [verb[:-1] for verb in verbs if verb.endswith(":")]
    loose = [verb for verb in verbs if not verb.endswith(":")]
    either = "|".join(re.escape(verb).replace(r"\ ", r"\s") for verb in loose)
    colon = "|".join(re.escape(verb).replace(r"\ ", r"\s") for verb in fixed)
    return re.compile(
        rf"\s*(?:(?:{either})(?:\s*[:：]|(?=\s)|\Z)|(?:{colon})\s*[:：])\s*"
    )


_PROMPTED = _beginning(_PROMPT_VERBS)
_OTHER = _beginning(_OTHER_VERBS)


class Activity(NamedTuple):
    """One row of a JSON file, or one card of a page."""

    header: str
    """The product that it is shown under, as the account's language calls it."""
    products: tuple[str, ...]
    title: str
    """What was done, and with a prompt, its text."""
    made: datetime | None
    links: tuple[str, ...] = ()
    """Addresses that belong to it; none of those in a prompt or an answer."""
    verb: str = ""
    """What was done, where it stands apart: `title` is then the text alone."""
    answered: bool = False

    @property
    def is_gemini(self) -> bool:
        """Whether it is surely of Gemini: anything else may be a search history."""
        names = [" ".join(name.split()) for name in (self.header, *self.products)]
        if not all(map(_BRAND.search, filter(None, names))):
            return False
        return not _PRODUCTS.isdisjoint(names) or bool(self.header and self.chats)

    @property
    def chats(self) -> list[str]:
        """The ids of the chats that it belongs to: several after a branch."""
        found = filter(None, map(_CHAT.match, self.links))
        return list(dict.fromkeys(match[1] for match in found))

    @property
    def prompt(self) -> str | None:
        """The text that was sent, "" for an image alone; None where none was.

        Behind a verb of an unknown language nothing is cut off.
        """
        if self.verb:
            return self.title if _PROMPTED.fullmatch(self.verb) else None
        if _OTHER.match(self.title) or self._is_event:
            return None
        found = _PROMPTED.match(self.title)
        return self.title[found.end() :] if found else self.title

    @property
    def _is_event(self) -> bool:
        """Whether a title of an unknown language only names the product or a canvas."""
        if _PROMPTED.match(self.title) or self.answered:
            return False
        named = bool(self.header) and self.header in self.title
        short = len(self.title) <= len(self.header) + _EVENT_WORDS
        return (named and short) or _CANVAS in self.title
