"""The language model that a command uses, from its options and the settings."""

from typing import Annotated

import typer

from promptvault.cli import terminal
from promptvault.cli.context import now, paths
from promptvault.cli.workspace import settings
from promptvault.config import Place, Settings
from promptvault.credentials import find_credential
from promptvault.domain.chat import Price
from promptvault.errors import InvalidInputError
from promptvault.providers.endpoint import Endpoint
from promptvault.services.budget import Budget
from promptvault.services.model import Means, Model
from promptvault.services.pacing import Pace
from promptvault.vault.response_cache import ResponseCache
from promptvault.vault.spending import Spending

ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="The model; else ai.model."),
]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="The server; else ai.base_url."),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        help="The key; better in OPENAI_API_KEY or the keyring, as others may see it"
        " here.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Ask anew, also where the answer is known."),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        min=0,
        metavar="USD",
        help="The most that this command may cost; else ai.command_budget_usd.",
    ),
]
AllowSecrets = Annotated[
    bool,
    typer.Option("--allow-secrets", help="Send also what seems to hold a secret."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show what would be sent, and what it costs; send nothing."
    ),
]


def open_model(
    command: str,
    *,
    name: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    no_cache: bool = False,
    budget: float | None = None,
) -> Model:
    """Return the model that the options and settings say, for *command*.

    Nothing is sent yet, and no key is required before something is. Raises
    InvalidInputError for a setting that makes no sense.
    """
    chosen = settings()
    endpoints = _endpoints(chosen, name, base_url, api_key)
    folders = paths()
    limit = chosen["ai.command_budget_usd"].number if budget is None else budget
    means = Means(
        cache=ResponseCache(folders.responses),
        budget=Budget(
            Spending(folders.activity),
            command,
            now,
            per_command=limit,
            per_month=chosen["ai.budget_usd"].number,
        ),
        price=lambda endpoint: _price(chosen, endpoint),
        now=now,
        tell=terminal.note,
        pace=Pace(chosen["ai.requests_per_minute"].number or 0),
        retries=int(chosen["ai.retries"].number or 0),
        concurrency=int(chosen["ai.concurrency"].number or 1),
        uses_cache=chosen["ai.cache"].value == "true" and not no_cache,
    )
    return Model(endpoints, means)


def _endpoints(
    chosen: Settings, name: str | None, base_url: str | None, api_key: str | None
) -> list[Endpoint]:
    first = Endpoint(
        _url(base_url or chosen["ai.base_url"].value),
        name or chosen["ai.model"].value,
        timeout=chosen["ai.timeout"].number or 0,
    )
    first = _with_key(chosen, first, "ai.api_key", api_key)
    model = chosen["ai.fallback_model"].value
    url = chosen["ai.fallback_base_url"].value
    if not model and not url:
        return [first]
    other = Endpoint(
        _url(url or first.base_url), model or first.model, timeout=first.timeout
    )
    # A key is for one server: the first one's is not shown to another.
    own = first.key if other.host == first.host else None
    return [first, _with_key(chosen, other, "ai.fallback_api_key", own)]


def _with_key(
    chosen: Settings, endpoint: Endpoint, setting: str, given: str | None
) -> Endpoint:
    key = given or chosen[setting].value
    if not key and not endpoint.is_local:
        key = find_credential(paths().credentials, setting) or ""
    return Endpoint(endpoint.base_url, endpoint.model, key.strip(), endpoint.timeout)


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise InvalidInputError("The base URL must begin with https:// or http://.")
    return text.rstrip("/")


def _price(chosen: Settings, endpoint: Endpoint) -> Price | None:
    input_, output = chosen["ai.price_input"], chosen["ai.price_output"]
    if Place.DEFAULT not in {input_.place, output.place}:
        return Price(input_.number or 0, output.number or 0)
    # The price list takes 20 ms to import, which a cached answer need not pay.
    from promptvault.providers.price import find_price

    return find_price(endpoint)
