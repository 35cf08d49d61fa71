"""Whose model a command asks: the user's own, or that of the server."""

import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from promptvault.cli import terminal
from promptvault.cli.asking import Asking
from promptvault.cli.context import paths
from promptvault.cli.own_endpoint import own_endpoints
from promptvault.config import Settings
from promptvault.domain.hosted import HOSTED_MODEL, Task
from promptvault.errors import InvalidInputError, PromptVaultError
from promptvault.providers.endpoint import OPENAI_URL, Endpoint, HostedUse
from promptvault.services.asking.access import (
    PlanCheck,
    refuse_signed_out,
    require_key,
)
from promptvault.services.sync import session as sessions
from promptvault.services.sync.session import Session

_OPENAI = urlsplit(OPENAI_URL).hostname


class Provider(StrEnum):
    """The values of `ai.provider`."""

    AUTO = "auto"
    OWN = "own"
    HOSTED = "hosted"


class Access(NamedTuple):
    """The endpoints of a command, and what is required before one is asked."""

    endpoints: list[Endpoint]
    require: Callable[[Endpoint], None]


def choose_access(
    chosen: Settings, command: str, asking: Asking, task: Task | None
) -> Access:
    """Return the endpoints of the user's own models, or that of the server's model.

    Only a command with a *task* may use the server's model. Nothing is sent. Raises
    InvalidInputError, PermissionDeniedError and AuthenticationError; see `open_model`.
    """
    provider = _provider(chosen, asking)
    if task is None:
        return _own_only(chosen, command, asking, provider)
    if provider is Provider.HOSTED:
        session = sessions.get_session(paths(), sessions.get_address(chosen))
        return Access([_hosted(chosen, session, task)], _require_nothing)
    endpoints = own_endpoints(chosen, asking)
    if provider is Provider.OWN or _is_own(endpoints):
        return Access(endpoints, require_key)
    found = _find_session(chosen)
    if found is None:
        return Access(endpoints, refuse_signed_out)
    check = PlanCheck(found, terminal.note)
    return Access([_hosted(chosen, found, task)], check)


def _provider(chosen: Settings, asking: Asking) -> Provider:
    """Return the provider that the options or the settings name."""
    names_model = bool(asking.model or asking.base_url or asking.api_key)
    if asking.hosted and (asking.own or names_model):
        raise InvalidInputError(
            "--hosted uses the server's model: omit --own, --model, --base-url and"
            " --api-key."
        )
    if asking.hosted:
        return Provider.HOSTED
    if asking.own or names_model:
        return Provider.OWN
    return Provider(chosen["ai.provider"].value)


def _own_only(
    chosen: Settings, command: str, asking: Asking, provider: Provider
) -> Access:
    endpoints = own_endpoints(chosen, asking)
    wants_hosted = provider is Provider.HOSTED and not _is_own(endpoints)
    if asking.hosted or wants_hosted:
        raise InvalidInputError(
            f"'{command}' uses your own key only; the server's model is for 'optimize',"
            " 'categorize' and 'template'. Set OPENAI_API_KEY, or ai.base_url and"
            " ai.model for a model on this computer."
        )
    return Access(endpoints, require_key)


def _is_own(endpoints: list[Endpoint]) -> bool:
    """Return True if the user has a key, or has named a server other than OpenAI's."""
    return any(each.key or each.host != _OPENAI for each in endpoints)


def _find_session(chosen: Settings) -> Session | None:
    """Return the session of the server in the settings, None if there is none."""
    if not chosen[sessions.SERVER].value:
        return None
    try:
        return sessions.find_session(paths(), sessions.choose_address(chosen))
    except PromptVaultError as error:
        terminal.note(str(error))
        return None


def _hosted(chosen: Settings, session: Session, task: Task) -> Endpoint:
    return Endpoint(
        f"{session.address.url}/v1/ai",
        HOSTED_MODEL,
        session.token,
        chosen["ai.timeout"].number or 0,
        HostedUse(task, str(uuid.uuid4())),
    )


def _require_nothing(_: Endpoint) -> None:
    """The server answers with an error if the plan has no model."""
