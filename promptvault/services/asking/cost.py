"""What requests to models cost: the estimate before, the count afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from promptvault.domain.chat import Answer


class Estimate(NamedTuple):
    """The estimated tokens and cost of requests."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    """US dollars; None if the model's price is not known."""


def total_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum of several estimates."""
    costs = [estimate.cost for estimate in estimates if estimate.cost is not None]
    return Estimate(
        sum(estimate.requests for estimate in estimates),
        sum(estimate.input_tokens for estimate in estimates),
        sum(estimate.output_tokens for estimate in estimates),
        sum(costs) if len(costs) == len(estimates) else None,
    )


@dataclass(slots=True)
class Spent:
    """What a command has taken so far."""

    requests: int = 0
    """Sent to a server; retries count once."""
    cached: int = 0
    """Number of answers from the cache."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    """US dollars; None if the price of any answer is not known."""

    def add(self, answer: Answer) -> None:
        """Count *answer*."""
        if answer.cached:
            self.cached += 1
            return
        self.requests += 1
        self.input_tokens += answer.usage.input_tokens
        self.output_tokens += answer.usage.output_tokens
        known = self.cost is not None and answer.cost is not None
        self.cost = (self.cost or 0) + (answer.cost or 0) if known else None
