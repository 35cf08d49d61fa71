"""How long a text is for a model: an estimate, as every model counts differently."""

import re

CHARACTERS_PER_TOKEN = 4
"""About this many, for text in Latin letters."""

# Kana, ideographs, Hangul and their punctuation: about one token each.
_CJK = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3100-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens *text* has: one a CJK character, else four for one.

    An estimate within a third or so for prose; only a model's own tokenizer knows.
    """
    rest = len(text) if text.isascii() else len(_CJK.sub("", text))
    return len(text) - rest + -(-rest // CHARACTERS_PER_TOKEN)
