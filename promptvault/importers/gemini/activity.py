"""One activity of Google's My Activity: whether it is Gemini's, and its prompt."""
# ruff: noqa: RUF001  # words of many languages, in their own letters

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

from promptvault.importers.gemini import verb as gemini_verb
from promptvault.importers.gemini.verb import PromptFrame

# The name of the product in each language.
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
_BRAND = re.compile(r"(?<![A-Za-z])(?:Gemini|Bard)(?![A-Za-z])")
_CHAT = re.compile(
    r"https?://(?:gemini|bard)\.google\.com/(?:u/\d+/)?(?:app|chat)/(?:c/)?([\w-]{6,})"
)
_CANVAS = "Gemini Canvas"
_EVENT_WORDS = 25
"""Characters that "Used Gemini Apps" has, in any language, beyond the product's
name."""


class Activity(NamedTuple):
    """One row of a JSON file, or one card of an HTML page."""

    header: str
    """The product it is shown under, in the language of the account."""
    products: tuple[str, ...]
    title: str
    """What was done; for a prompt, its text."""
    made: datetime | None
    links: tuple[str, ...] = ()
    """Addresses of the activity, without those in a prompt or an answer."""
    verb: str = ""
    """What was done, if it is apart from the text: `title` is then only the text."""
    answered: bool = False

    @property
    def is_gemini(self) -> bool:
        """True if it is certainly Gemini's: anything else may be a search history."""
        names = [" ".join(name.split()) for name in (self.header, *self.products)]
        if not all(map(_BRAND.search, filter(None, names))):
            return False
        return not _PRODUCTS.isdisjoint(names) or bool(self.header and self.chats)

    @property
    def chats(self) -> list[str]:
        """Ids of the chats it belongs to: several after a branch."""
        found = filter(None, map(_CHAT.match, self.links))
        return list(dict.fromkeys(match[1] for match in found))

    def prompt(self, frame: PromptFrame) -> str | None:
        """Return the text that was sent, "" for an image alone, None for another
        action.

        If the title has no known words, only *frame* is removed from it.
        """
        if self.verb:
            return self.title if gemini_verb.is_prompted(self.verb) else None
        known = gemini_verb.prompt_in(self.title)
        if known is not None:
            return known
        if gemini_verb.is_other(self.title):
            return None
        framed = frame.prompt(self.title)
        if framed is None:
            return None if self._is_event else self.title
        return framed

    @property
    def _is_event(self) -> bool:
        """True if a title in an unknown language only names the product or a canvas."""
        if self.answered:
            return False
        named = bool(self.header) and self.header in self.title
        short = len(self.title) <= len(self.header) + _EVENT_WORDS
        return (named and short) or _CANVAS in self.title


def message_id(body: str, made: datetime | None) -> str | None:
    """Return an id that is equal for JSON and HTML; pages have whole seconds only."""
    if made is None:
        return None
    second = made.replace(microsecond=0).isoformat()
    key = f"{second}\0{' '.join(body.split())}"
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
