"""The endpoints of the user's own models, from options and settings."""

from dataclasses import replace

from promptvault.cli import terminal
from promptvault.cli.asking import Asking
from promptvault.cli.context import paths
from promptvault.cli.workspace import is_project
from promptvault.config import Settings, SettingSource, load_settings
from promptvault.credentials import find_credential
from promptvault.errors import PermissionDeniedError, UnavailableError
from promptvault.providers.endpoint import OPENAI_URL, Endpoint
from promptvault.setting_key import check_setting, find_key


def own_endpoints(chosen: Settings, asking: Asking) -> list[Endpoint]:
    """Return the model to ask, and its fallback if there is one.

    Raises InvalidInputError for an invalid option or setting, and PermissionDeniedError
    if the settings of a project name a server without a key for it.
    """
    base_url = check_option("ai.base_url", "--base-url", asking.base_url)
    api_key = check_option("ai.api_key", "--api-key", asking.api_key)
    first = Endpoint(
        base_url or chosen["ai.base_url"].value,
        asking.model or chosen["ai.model"].value,
        timeout=chosen["ai.timeout"].number or 0,
    )
    place = None if base_url else chosen["ai.base_url"].source
    key = api_key or _key(chosen, "ai.api_key", first, place)
    first = replace(first, key=key)
    other = _fallback(chosen, first)
    endpoints = [first, other] if other else [first]
    _warn_of_plain_text(endpoints)
    return endpoints


def _fallback(chosen: Settings, first: Endpoint) -> Endpoint | None:
    model, url = chosen["ai.fallback_model"].value, chosen["ai.fallback_base_url"]
    if not model and not url.value:
        return None
    other = replace(
        first, base_url=url.value or first.base_url, model=model or first.model, key=""
    )
    key = _key(chosen, "ai.fallback_api_key", other, url.source)
    # A key is for one server, and is never sent to another.
    own = first.key if other.origin == first.origin else ""
    return replace(other, key=key or own)


def _key(
    chosen: Settings, name: str, endpoint: Endpoint, url_place: SettingSource | None
) -> str:
    """Return the key from the setting *name* or from the keyring; '' if there is none.

    The folder of a project may come from a stranger. So a server that its file names
    gets only a key from that project, never one from the environment. Raises
    PermissionDeniedError if the project has no such key.
    """
    is_untrusted = (
        url_place is SettingSource.FILE
        and is_project()
        and endpoint.base_url != OPENAI_URL
        and not endpoint.is_local
    )
    setting = (load_settings(paths().config_file, {}) if is_untrusted else chosen)[name]
    key = setting.value or _stored_key(name)
    if is_untrusted and not key and chosen[name].value:
        raise PermissionDeniedError(
            f"This project's settings name the server {endpoint.host}, so it does not"
            f" get the key in the environment. To trust it: 'promptvault config set"
            f" {name}' in the project, or --base-url."
        )
    return key


def _stored_key(name: str) -> str:
    try:
        stored = find_credential(paths().credentials, name)
    except UnavailableError as error:
        terminal.note(str(error))
        return ""
    return check_setting(find_key(name), stored) if stored else ""


def _warn_of_plain_text(endpoints: list[Endpoint]) -> None:
    for endpoint in endpoints:
        is_plain = endpoint.base_url.lower().startswith("http:")
        if endpoint.key and is_plain and not endpoint.is_local:
            terminal.note(
                f"The key is sent to {endpoint.host} without encryption: the URL"
                " begins with http://."
            )


def check_option(name: str, option: str, value: object) -> str | None:
    """Return the *value* of an option, None if it is empty.

    Raises InvalidInputError unless it is valid for the setting *name*.
    """
    text = "" if value is None else str(value).strip()
    return check_setting(find_key(name), text, option) if text else None
