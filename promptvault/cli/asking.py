"""The options of every command that asks a language model."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Annotated, Any, NamedTuple, get_type_hints

import typer

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
        help="The key; better in OPENAI_API_KEY or the keyring, because other users may"
        " see it here.",
    ),
]
Own = Annotated[
    bool, typer.Option("--own", help="Use your own key; else ai.provider decides.")
]
Hosted = Annotated[
    bool,
    typer.Option("--hosted", help="Use the model of the server you are signed in to."),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Ask again even if the answer is cached."),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        min=0,
        metavar="USD",
        help="Maximum cost of this command; else ai.command_budget_usd.",
    ),
]
AllowSecrets = Annotated[
    bool,
    typer.Option(
        "--allow-secrets", help="Send prompts even if they seem to hold a secret."
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show the requests and their estimated cost; send nothing."
    ),
]


class Asking(NamedTuple):
    """The values of the options of a command that asks a model."""

    model: ModelName = None
    base_url: BaseUrl = None
    api_key: ApiKey = None
    own: Own = False
    hosted: Hosted = False
    no_cache: NoCache = False
    budget: BudgetOption = None
    allow_secrets: AllowSecrets = False


def asks_model(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter `asking` of *command* by the options of `Asking`."""

    @wraps(command)
    def called(**given: Any) -> None:
        asking = Asking(*(given.pop(name) for name in Asking._fields))
        command(asking=asking, **given)

    own = inspect.signature(command)
    with_options = own.replace(parameters=list(_expanded(own)))
    called.__signature__ = with_options  # type: ignore[attr-defined]
    return called


def _expanded(signature: inspect.Signature) -> Iterator[inspect.Parameter]:
    kinds = get_type_hints(Asking, include_extras=True)
    for parameter in signature.parameters.values():
        if parameter.name != "asking":
            yield parameter
            continue
        for name, default in Asking._field_defaults.items():
            yield parameter.replace(name=name, annotation=kinds[name], default=default)
