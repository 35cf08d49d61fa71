"""Full-text search: what a query means, and the ranked hits with their context."""

import contextlib
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from math import inf
from typing import NamedTuple

from promptvault.domain.prompt import Prompt
from promptvault.errors import InvalidInputError
from promptvault.vault.database import translated_errors
from promptvault.vault.reader import PROMPT_QUERY, Reader, Selection, to_prompt

HIT_START, HIT_END = "\x02", "\x03"
"""Marks around each hit in a snippet; control characters, so no text is mistaken."""

_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_UNFIT = re.compile("[\0\ud800-\udfff]")
_MAX_TERMS = 100
_WEIGHTS = "10.0, 8.0, 3.0, 6.0, 1.0"  # name, title, description, tags, body
_TEXT = """lower(d.name || ' ' || d.title || ' ' || d.description || ' '
    || d.tags || ' ' || d.body)"""
_CONTEXT_TOKENS = 24
_RANKED_MATCHES = 2_000
_CONTEXT_CHARACTERS = 60


class Hit(NamedTuple):
    """A prompt that was found, best first, with the place that matched."""

    prompt: Prompt
    snippet: str
    """One line of the body, each hit between HIT_START and HIT_END."""
    score: float
    """Higher is better; comparable within one search only."""

    @property
    def plain_snippet(self) -> str:
        """The snippet without the marks."""
        return self.snippet.replace(HIT_START, "").replace(HIT_END, "")


class Query:
    """A parsed query: FTS5 terms, and the terms that FTS5 cannot find.

    The index splits text into words at spaces and punctuation. Chinese, Japanese, Thai
    and others write without spaces, and `{{` is no word at all: such terms are found
    by looking through the texts instead.
    """

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.unwanted: list[str] = []
        self.wanted_literals: list[str] = []
        self.unwanted_literals: list[str] = []
        self.words: dict[str, str] = {}
        """Those of `wanted` that are a word alone, with the word in lower case: its
        other forms are found too. A phrase, a prefix and an exclusion mean what they
        say."""

    def __bool__(self) -> bool:
        """Return True if there is anything to search for."""
        wanted = self.wanted or self.wanted_literals
        return bool(wanted or self.unwanted or self.unwanted_literals)

    def expression(self, forms: Mapping[str, str] | None = None) -> str:
        """Return the FTS5 MATCH expression, each term as *forms* has it."""
        terms = forms or {}
        expression = " AND ".join(terms.get(term, term) for term in self.wanted)
        if self.unwanted:
            expression = f"({expression}) NOT ({' OR '.join(self.unwanted)})"
        return expression


def parse_query(text: str) -> Query:
    """Read words, ``"phrases"``, ``prefix*`` and ``-without``.

    Raises InvalidInputError when nothing is left to search for.
    """
    query = Query()
    terms = dict.fromkeys(_TERM.findall(_UNFIT.sub(" ", text)))
    if len(terms) > _MAX_TERMS:
        raise InvalidInputError(f"A query has {_MAX_TERMS} words at most.")
    for minus, phrase, word in terms:
        term = phrase or word
        prefix = bool(word) and word.endswith("*")
        term = term.rstrip("*") if prefix else term
        if term.strip():
            _add(query, term, prefix, unwanted=bool(minus))
            if word and not (prefix or minus) and _has_forms(word.lower()):
                query.words[_quoted(word)] = word.lower()
    if not query:
        raise InvalidInputError("There is nothing to search for in the query.")
    return query


def _add(query: Query, term: str, prefix: bool, *, unwanted: bool) -> None:
    if _is_literal(term):
        literals = query.unwanted_literals if unwanted else query.wanted_literals
        literals.append(term.lower())
    else:
        quoted = _quoted(term) + ("*" if prefix else "")
        (query.unwanted if unwanted else query.wanted).append(quoted)


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _is_literal(term: str) -> bool:
    return not any(map(str.isalnum, term)) or any(map(_has_no_spaces, term))


def _has_no_spaces(character: str) -> bool:
    """Return True if *character* is of a script without spaces between words."""
    if character < "\u0e00":
        return False
    name = unicodedata.name(character, "")
    return name.startswith(
        ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
    )


def search(
    reader: Reader, text: str, selection: Selection, limit: int = 20
) -> Iterator[Hit]:
    """Yield at most *limit* prompts that match the query *text*, best first.

    Prompts with the words as they are written come before those that have only other
    forms of them. Raises InvalidInputError for a query without terms, VaultError.
    """
    query = parse_query(text)
    if not query.wanted:
        yield from _hits(reader, query, _scanned(query), selection, limit)
        return
    exact, score = query.expression(), inf
    for hit in _hits(reader, query, _indexed(exact), selection, limit):
        yield hit
        limit, score = limit - 1, hit.score
    if limit and (forms := _forms(reader, query)):
        others = _indexed(f"({query.expression(forms)}) NOT ({exact})")
        for hit in _hits(reader, query, others, selection, limit):
            yield hit._replace(score=min(hit.score, score))


def _forms(reader: Reader, query: Query) -> dict[str, str]:
    """Return the terms that have other forms in the vault, each with all its forms."""
    with translated_errors():
        vocabulary = _Vocabulary(reader.connection)
        found = {term: vocabulary.forms(word) for term, word in query.words.items()}
    return {
        term: f"({' OR '.join((term, *map(_quoted, others)))})"
        for term, others in found.items()
        if others
    }


def _hits(
    reader: Reader, query: Query, source: "_Source", selection: Selection, limit: int
) -> Iterator[Hit]:
    where, parameters = selection.where()
    if query.wanted and selection == Selection() and limit <= _RANKED_MATCHES // 5:
        where += f" AND search.rowid >= {_first_ranked(reader, source)}"
    conditions, arguments = _literal_conditions(query)
    sql = f"""
        WITH hits AS ({source.sql} AND {where} {conditions} {source.order} LIMIT ?)
        SELECT p.*, hits.score, hits.snippet
        FROM hits JOIN ({PROMPT_QUERY}) p ON p.pk = hits.pk ORDER BY hits.score DESC"""
    for row in reader.rows(sql, *source.parameters, *parameters, *arguments, limit):
        *prompt, score, snippet = row
        if not query.wanted:
            snippet = _excerpt(snippet, query.wanted_literals)
        yield Hit(to_prompt(tuple(prompt)), " ".join(snippet.split()), score)


class _Source(NamedTuple):
    """The start of a query for pk, score and snippet; its parameters; its order."""

    sql: str
    parameters: tuple[str, ...]
    order: str


def _first_ranked(reader: Reader, source: _Source) -> int:
    """Return the lowest key of the matches that are worth ranking.

    Ranking reads each match. If there are more than _RANKED_MATCHES, only those that
    were added last are ranked.
    """
    sql = """SELECT rowid FROM search WHERE search MATCH ?
        ORDER BY rowid DESC LIMIT 1 OFFSET ?"""
    rows = reader.rows(sql, *source.parameters, _RANKED_MATCHES)
    return next((row[0] for row in rows), 0)


def _indexed(expression: str) -> _Source:
    # Sorting by the table's own `rank` lets FTS5 make snippets for the rows within
    # the limit only.
    sql = f"""
        SELECT p.pk, -rank AS score,
            snippet(search, 4, char(2), char(3), '…', {_CONTEXT_TOKENS}) AS snippet
        FROM search JOIN prompts p ON p.pk = search.rowid
            JOIN documents d ON d.pk = p.pk
        WHERE search MATCH ? AND rank MATCH 'bm25({_WEIGHTS})'"""
    return _Source(sql, (expression,), "ORDER BY rank")


def _scanned(query: Query) -> _Source:
    sql = """
        SELECT p.pk, instr(lower(d.name || ' ' || d.title), ?) > 0 AS score,
            d.body AS snippet
        FROM prompts p JOIN documents d ON d.pk = p.pk WHERE TRUE"""
    parameters = ["".join(query.wanted_literals[:1])]
    if query.unwanted:
        sql += " AND p.pk NOT IN (SELECT rowid FROM search WHERE search MATCH ?)"
        parameters.append(" OR ".join(query.unwanted))
    return _Source(sql, tuple(parameters), "ORDER BY score DESC, p.updated_at DESC")


def _literal_conditions(query: Query) -> tuple[str, list[str]]:
    conditions = [f" AND instr({_TEXT}, ?)" for _ in query.wanted_literals]
    conditions += [f" AND NOT instr({_TEXT}, ?)" for _ in query.unwanted_literals]
    return "".join(conditions), query.wanted_literals + query.unwanted_literals


def _excerpt(body: str, literals: list[str]) -> str:
    """Cut the place of the first literal out of *body*, the hit marked."""
    literal = literals[0] if literals else ""
    at = body.lower().find(literal) if literal else -1
    if at < 0:
        return body[: 2 * _CONTEXT_CHARACTERS]
    end = at + len(literal)
    before = body[max(0, at - _CONTEXT_CHARACTERS) : at]
    after = body[end : end + _CONTEXT_CHARACTERS]
    left = "…" if at > _CONTEXT_CHARACTERS else ""
    right = "…" if end + _CONTEXT_CHARACTERS < len(body) else ""
    return f"{left}{before}{HIT_START}{body[at:end]}{HIT_END}{after}{right}"


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


def _has_forms(word: str) -> bool:
    """Return True if the lower-case *word* may have other forms.

    Porter's rules are for English, so only words of the letters a to z have.
    """
    return _ENGLISH_WORD.fullmatch(word) is not None


class _Vocabulary:
    """The words in the search index of a vault; finds those with the same stem.

    The index holds words as they are written, so that exact words, phrases and prefixes
    match literally. A search looks up other forms of a word here, by the Porter stemmer
    of FTS5, so that no second, stemmed index is needed.
    """

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
