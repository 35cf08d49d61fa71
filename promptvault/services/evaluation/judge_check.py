"""Whether a judge can say no: small models tend to pass everything."""

from promptvault.domain.chat import Message, Request, Role
from promptvault.errors import RateLimitedError, UnavailableError
from promptvault.providers.failure import RefusedError
from promptvault.services.asking.model import Model
from promptvault.services.evaluation.check import JudgeTask, judge_answer

_EMPTY_ANSWER = JudgeTask(
    Request((Message(Role.USER, "Say hello to Ada in one sentence."),)),
    "",
    ("The answer greets Ada by her name.",),
)
"""It is always the same, so a judge is asked once as long as its answer is cached."""


def passes_an_empty_answer(judge: Model) -> bool:
    """Ask *judge* about an empty answer, and return True if it passes.

    Returns False if the judge gives no verdict.
    """
    try:
        return not judge_answer(judge, _EMPTY_ANSWER).failures
    except (RefusedError, UnavailableError, RateLimitedError):
        return False
