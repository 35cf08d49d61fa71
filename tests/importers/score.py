"""Recall and precision over samples judged by hand: `python -m tests.importers.score`.

Reads `EXPECTED.json` and `samples/` in the given folder, else in `shared/formats`
beside the project, else our own. Prints a row for each source, and for each sample that
is not perfect. The exit code is 1 if there are any.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from promptvault.domain.digest import digest
from promptvault.importers.input.candidate import CandidateKind, Item
from tests.importers.build import bodies, candidates, failures, imported

OWN = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared" / "formats"
# What the judges left open ("optional", "either import as prompt or report").
OPEN = {
    "claude_ai/synthetic_2026_bare_array.json": ["Summarise this log:\nERR 42"],
    "claude_code/claude-code-log_edge_cases.jsonl": ["wow error"],
    "claude_code/synthetic_modern_tricky.jsonl": ["/review"],
}


class Score(NamedTuple):
    """The prompts found in a sample, compared with those expected."""

    sample: str
    wanted: int
    """Prompts and instructions that must be found."""
    found: int
    """Those of them that were found."""
    extra: int
    """Texts that were found and must not be, or are not expected."""
    notes: tuple[str, ...] = ()

    @property
    def is_perfect(self) -> bool:
        """True if every expected prompt was found and no other."""
        return self.found == self.wanted and not self.extra


def scores(formats: Path) -> list[Score]:
    """Return the score of every sample in `EXPECTED.json` that exists."""
    judged = json.loads((formats / "EXPECTED.json").read_text())["files"]
    paths = {name: formats / "samples" / name for name in judged}
    return [
        score(name, judged[name], imported(path))
        for name, path in paths.items()
        if path.exists()
    ]


def score(name: str, judged: dict[str, Any], items: Sequence[Item]) -> Score:
    """Compare the prompts found in one sample with those expected."""
    prompts = Counter(map(digest, bodies(items)))
    standing = {digest(body) for body in bodies(items, CandidateKind.INSTRUCTIONS)}
    drafts = {digest(d.body) for c in candidates(items) for d in c.drafts[:-1]}
    wanted = Counter(map(digest, judged.get("prompts", ())))
    instructions = {digest(body) for body in judged.get("instructions", ())}
    off_path = {digest(body) for body in judged.get("off_path_prompts", ())}
    found = (prompts & wanted).total() + len(instructions & standing)
    extra = len(drafts - off_path)
    optional = OPEN.get(name, ())
    over = list((prompts - wanted).elements())
    is_open = {digest(body) for body in optional}
    surplus = sum(key not in is_open for key in over)
    count = judged.get("n")
    if count is not None and count > wanted.total():  # only some are spelt out
        missing = count - wanted.total()
        found += min(surplus, missing)
        wanted_total = count + len(instructions)
        surplus = max(0, surplus - missing)
    else:
        wanted_total = wanted.total() + len(instructions)
    if "prompts" not in judged and count is None:
        surplus = 0  # of use for robustness only
    notes = list(_notes(judged, items, wanted - prompts))
    forbidden = sum(note.startswith("must not appear") for note in notes)
    return Score(name, wanted_total, found, extra + surplus + forbidden, tuple(notes))


def _notes(
    judged: dict[str, Any], items: Sequence[Item], missing: Counter[bytes]
) -> Iterator[str]:
    for failure in failures(items):
        yield f"failed: {failure.reason}"
    for body in judged.get("prompts", ()):
        if digest(body) in missing:
            yield f"missing: {body[:60]!r}"
    found = [body for body in bodies(items) if body in judged.get("prompts", ())]
    one_chat = "prompts" in judged and judged.get("conversations", 1) == 1
    if one_chat and not missing and found != judged["prompts"]:
        yield "the order differs"
    texts = [
        d.body
        for kind in CandidateKind
        for c in candidates(items, kind)
        for d in c.drafts
    ]
    everything = "\n".join([*texts, *bodies(items)])
    for text in judged.get("must_not_appear", ()):
        if text in everything:
            yield f"must not appear: {text!r}"


def table(found: Sequence[Score]) -> Iterator[str]:
    """Yield the lines of the table: one source each, then what is not perfect."""
    sources: dict[str, list[Score]] = defaultdict(list)
    for each in found:
        sources[each.sample.partition("/")[0]].append(each)
    yield "| source | samples | wanted | found | extra | recall | precision |"
    yield "|---|---|---|---|---|---|---|"
    for source, rows in [*sources.items(), ("all", list(found))]:
        wanted, right = sum(r.wanted for r in rows), sum(r.found for r in rows)
        extra = sum(r.extra for r in rows)
        recall = right / wanted if wanted else 1.0
        precision = right / (right + extra) if right + extra else 1.0
        counts = f"{len(rows)} | {wanted} | {right} | {extra}"
        yield f"| {source} | {counts} | {recall:.1%} | {precision:.1%} |"
    for each in found:
        if not each.is_perfect or each.notes:
            yield f"{each.sample}: {each.found} of {each.wanted}, {each.extra} extra"
            yield from (f"    {note}" for note in each.notes)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = SHARED if SHARED.exists() else OWN
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    found = scores(parser.parse_args().folder)
    print("\n".join(table(found)))
    return 0 if found and all(each.is_perfect for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
