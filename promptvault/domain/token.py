"""An estimate of how many tokens a model counts in a text."""

import re

CHARACTERS_PER_TOKEN = 4
"""For text in Latin letters, roughly."""

# Kana, ideographs, Hangul and their punctuation take about one token each.
_CJK = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3100-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens *text* has.

    A CJK character counts as one token, four other characters as one. For prose the
    error is about a third at most; only the model's own tokenizer is exact.
    """
    rest = len(text) if text.isascii() else len(_CJK.sub("", text))
    return len(text) - rest + -(-rest // CHARACTERS_PER_TOKEN)
