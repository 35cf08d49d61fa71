"""Words of the search index with the same stem, by the Porter stemmer of FTS5.

The index holds words as they are written, so that exact words, phrases and prefixes
match literally. A search looks up other forms of a word in the vocabulary of the index,
so that no second, stemmed index is needed.
"""

import contextlib
import re
import sqlite3

_ENGLISH_WORD = re.compile("[a-z]{3,40}")
_LONGEST_SUFFIX = 10
"""Characters; for example "generalizations" has the stem "gener"."""
_MAX_CANDIDATES = 5_000

_VOCABULARY = """CREATE VIRTUAL TABLE IF NOT EXISTS temp.words
    USING fts5vocab(main, search, row)"""
_CANDIDATES = f"""SELECT term FROM temp.words WHERE term >= ?1 AND term < ?1 || '{{'
    AND length(term) BETWEEN 3 AND length(?1) + {_LONGEST_SUFFIX}
    AND term NOT GLOB '*[^a-z]*' LIMIT {_MAX_CANDIDATES}"""
_STEMMER = (
    "CREATE VIRTUAL TABLE words USING fts5(word, tokenize = 'porter ascii')",
    "CREATE VIRTUAL TABLE stems USING fts5vocab(words, row)",
)


def has_forms(word: str) -> bool:
    """Return True if the lower-case *word* may have other forms.

    Porter's rules are for English, so only words of the letters a to z have.
    """
    return _ENGLISH_WORD.fullmatch(word) is not None


class Vocabulary:
    """The words in the search index of a vault."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Open the vocabulary of the vault on *connection*."""
        self._connection = connection
        self._connection.execute(_VOCABULARY)

    def forms(self, word: str) -> list[str]:
        """Return the other words of the index with the stem of *word*, sorted."""
        with contextlib.closing(sqlite3.connect(":memory:")) as stemmer:
            for statement in _STEMMER:
                stemmer.execute(statement)
            stemmer.execute("INSERT INTO words VALUES (?)", (word,))
            ((stem,),) = stemmer.execute("SELECT term FROM stems").fetchall()
            start = _common_start(stem)
            found = self._connection.execute(_CANDIDATES, (start,))
            stemmer.executemany("INSERT INTO words VALUES (?)", found)
            rows = stemmer.execute(
                "SELECT DISTINCT word FROM words WHERE words MATCH ? ORDER BY word",
                (f'"{word}"',),
            )
            return [row[0] for row in rows if row[0] != word]


def _common_start(stem: str) -> str:
    """Return the prefix of every word that has this *stem*.

    Porter's rules remove an ending and may then append an "e" or "i" that the word does
    not have: "hoping" becomes "hope", "happy" becomes "happi".
    """
    return stem[:-1] if stem.endswith(("e", "i")) else stem
