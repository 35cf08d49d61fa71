"""JSON rows of requests to models, and of their cost."""

from collections.abc import Sequence

from promptvault.cli.rows.prompts import Row
from promptvault.domain.chat import Request
from promptvault.services.asking.cost import Estimate, Spent
from promptvault.services.asking.model import Model


def plan_row(model: Model, requests: Sequence[Request], estimate: Estimate) -> Row:
    """Return the requests of a `--dry-run` as `--json` prints them."""
    return {
        "dry_run": True,
        "model": model.name,
        "endpoint": model.endpoints[0].public_url,
        "requests": estimate.requests,
        "input_tokens": estimate.input_tokens,
        "output_tokens": estimate.output_tokens,
        "cost_usd": estimate.cost,
        "messages": [
            [{"role": m.role.value, "content": m.content} for m in request.messages]
            for request in requests
        ],
    }


def spent_row(taken: Spent) -> Row:
    """Return the keys for what a command spent, a part of other rows."""
    return {
        "requests": taken.requests,
        "cached": taken.cached,
        "input_tokens": taken.input_tokens,
        "output_tokens": taken.output_tokens,
        "cost_usd": taken.cost,
    }
