"""`label --require-eval`: only a version that passed its evaluation gets a label."""

from pathlib import Path

from promptvault.domain.prompt import Prompt, Version
from promptvault.domain.timestamp import to_text
from promptvault.errors import ConflictError
from promptvault.vault.activity.evaluations import EvaluationRecord, read_evaluations


def require_passed(log: Path, prompt: Prompt, version: Version) -> None:
    """Raise ConflictError if *version* did not pass its latest evaluation.

    It must also have passed the cases of the latest evaluation of any version of the
    prompt, so that newer cases count.
    """
    name = f"{prompt.name}@{version.number}"
    found = [
        each.evaluation for each in read_evaluations(log, {"prompt_id": prompt.id})
    ]
    own = [each for each in found if each.version_id == version.id]
    if not own:
        raise _refusal(name, "was never evaluated")
    _require_pass(name, own[0])
    latest = found[0]
    same = [each for each in own if each.cases_digest == latest.cases_digest]
    if not same:
        raise _refusal(
            name,
            f"was evaluated with other cases than version {latest.version} since"
            f" ({to_text(latest.created_at)})",
        )
    _require_pass(name, same[0])


def _require_pass(name: str, evaluation: EvaluationRecord) -> None:
    if not evaluation.passed:
        when = to_text(evaluation.created_at)
        count = f"{evaluation.passed_cases} of {len(evaluation.results)} cases passed"
        raise _refusal(name, f"did not pass its evaluation of {when}: {count}")


def _refusal(name: str, why: str) -> ConflictError:
    return ConflictError(
        f"{name} {why}. Run 'promptvault eval {name} --cases FILE' first."
    )
