"""JSON rows of what `lint` and `stats` found."""

from collections.abc import Sequence

from promptvault.cli.rows.prompts import Row
from promptvault.services.prompts.lint import LintResult, Severity
from promptvault.vault.statistics import Counts, Statistics


def lint_row(found: Sequence[LintResult]) -> Row:
    """Return findings as `lint --json` prints them."""
    findings = [finding._asdict() for linted in found for finding in linted.findings]
    prompts = [
        {
            "name": linted.name,
            "tokens": linted.tokens,
            "errors": linted.count(Severity.ERROR),
            "warnings": linted.count(Severity.WARNING),
        }
        for linted in found
    ]
    return {"findings": findings, "prompts": prompts}


def statistics_row(found: Statistics) -> Row:
    """Return the numbers of the vault as `stats --json` prints them."""
    vaults = _count_rows(found.by_vault, "name", "prompts")
    return found.totals._asdict() | {
        "tokens": found.tokens,
        "average_tokens": found.average_tokens,
        "by_source": _count_rows(found.by_source, "source", "prompts"),
        "by_folder": _count_rows(found.by_folder, "folder", "prompts"),
        "by_month": _count_rows(found.by_month, "month", "prompts"),
        "most_used": _count_rows(found.most_used, "name", "uses"),
        "most_changed": _count_rows(found.most_changed, "name", "versions"),
        "tags": _count_rows(found.tags, "tag", "prompts"),
        **({"vaults": vaults} if vaults else {}),
    }


def _count_rows(counts: Counts, name: str, number: str) -> list[Row]:
    return [{name: count.name, number: count.number} for count in counts]
