"""JSON rows of proposed categories."""

from promptvault.cli.rows.model import spent_row
from promptvault.cli.rows.prompts import Row
from promptvault.services.asking.cost import Spent
from promptvault.services.asking.model import Model
from promptvault.services.categories.categorize import AppliedProposals, Proposals
from promptvault.services.categories.proposal import CategoryProposal


def proposals_row(
    found: Proposals, skipped: int, done: AppliedProposals | None, model: Model | None
) -> Row:
    """Return proposals as `categorize --json` prints them.

    *done* is the result if they were applied.
    """
    names = {prompt.id: prompt.name for prompt in done.prompts} if done else {}
    return {
        "applied": done is not None,
        **_counts(found, done, model),
        "passed": skipped,
        "proposals": [_proposal_row(change, names) for change in found.changes],
    }


def categorized_import_row(
    found: Proposals, done: AppliedProposals | None, model: Model | None
) -> Row:
    """Return the result of `import --categorize` as `import --json` prints it."""
    return {**_counts(found, done, model), "error": None}


def _counts(
    found: Proposals, done: AppliedProposals | None, model: Model | None
) -> Row:
    return {
        "considered": found.considered,
        "changed": len(done.prompts) if done else 0,
        "skipped": done.skipped if done else 0,
        "by_model": found.by_model,
        "by_rule": found.by_rule,
        "held_back": found.held_back,
        "reason": found.reason or None,
        "model": model.answered if model and found.by_model else None,
        **spent_row(model.spent if model else Spent()),
    }


def _proposal_row(change: CategoryProposal, names: dict[str, str]) -> Row:
    prompt = change.prompt
    return {
        "id": prompt.id,
        "name": prompt.name,
        "new_name": names.get(prompt.id, change.name),
        "title": prompt.title,
        "new_title": change.details.title,
        "tags": list(prompt.tags),
        "new_tags": list(change.details.tags),
        "by": change.by.value,
    }
