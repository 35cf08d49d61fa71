"""The language model of a command, from its options and the settings."""

import os

from promptvault.cli import terminal
from promptvault.cli.answer_display import AnswerDisplay
from promptvault.cli.asking import Asking
from promptvault.cli.context import now, paths
from promptvault.cli.own_endpoint import check_option
from promptvault.cli.provider import choose_access
from promptvault.cli.workspace import settings
from promptvault.config import Settings, SettingSource
from promptvault.domain.chat import Price
from promptvault.domain.hosted import Task
from promptvault.providers.endpoint import Endpoint
from promptvault.services.asking.budget import Budget
from promptvault.services.asking.model import Model, ModelContext
from promptvault.services.asking.retry import RateLimiter
from promptvault.services.asking.transport import Listener
from promptvault.vault.activity.response_cache import ResponseCache
from promptvault.vault.activity.spending import Spending


def open_model(
    command: str,
    asking: Asking,
    task: Task | None = None,
    display: AnswerDisplay | None = None,
) -> Model:
    """Return the model for *command*, from its options and the settings.

    A command with a *task* may use the server's model. Nothing is sent yet, and a key
    is only required for a request. Raises InvalidInputError for an invalid setting,
    PermissionDeniedError if the settings of a project name a server without a key for
    it, and AuthenticationError for the server's model if the user is not signed in.
    """
    chosen = settings()
    # Typer accepts nan.
    check_option("ai.command_budget_usd", "--budget", asking.budget)
    access = choose_access(chosen, command, asking, task)
    folders = paths()
    is_cached = chosen["ai.cache"].value == "true"
    context = ModelContext(
        cache=ResponseCache(folders.responses),
        budget=_budget(chosen, command, asking.budget),
        price=lambda endpoint: _price(chosen, endpoint),
        now=now,
        notify=terminal.note,
        require_access=access.require,
        rate_limiter=RateLimiter(chosen["ai.requests_per_minute"].number or 0),
        retries=int(chosen["ai.retries"].number or 0),
        concurrency=int(chosen["ai.concurrency"].number or 1),
        reads_cache=is_cached and not asking.no_cache,
        writes_cache=is_cached,
        listener=_listener(display or AnswerDisplay()),
    )
    return Model(access.endpoints, context)


def _listener(display: AnswerDisplay) -> Listener:
    shows_words = bool(os.environ.get("PROMPTVAULT_DEBUG"))
    return Listener(
        on_refusal=terminal.note if shows_words else None,
        on_thought=display.think,
        follow=display.follow,
    )


def _budget(chosen: Settings, command: str, limit: float | None) -> Budget:
    return Budget(
        Spending(paths().activity),
        command,
        now,
        per_command=chosen["ai.command_budget_usd"].number if limit is None else limit,
        per_month=chosen["ai.budget_usd"].number,
    )


def _price(chosen: Settings, endpoint: Endpoint) -> Price | None:
    if endpoint.hosted:
        return Price(0, 0)  # the server limits what it costs; the user pays nothing
    input_, output = chosen["ai.price_input"], chosen["ai.price_output"]
    if SettingSource.DEFAULT not in {input_.source, output.source}:
        return Price(input_.number or 0, output.number or 0)
    # The price list takes 20 ms to import, which a cached answer does not need.
    from promptvault.providers.price import find_price

    return find_price(endpoint)
