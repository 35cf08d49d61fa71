"""The server to sync with, and the token for it."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from promptvault import config, setting_value
from promptvault.client.address import Address, parse_address
from promptvault.config import Settings, SettingSource
from promptvault.credentials import (
    delete_credential,
    find_credential,
    find_credential_source,
    store_credential,
)
from promptvault.errors import AuthenticationError, InvalidInputError, PromptVaultError
from promptvault.paths import Paths
from promptvault.setting_key import check_setting, find_key

SERVER = "sync.server"
INSECURE = "sync.insecure"


@dataclass(frozen=True, slots=True)
class Session:
    """A token and the server that issued it."""

    address: Address
    token: str = field(repr=False)


def choose_address(
    settings: Settings, server: str | None = None, *, insecure: bool = False
) -> Address:
    """Return the address of *server*, or of the server in the settings if None.

    Raise InvalidInputError if there is none, or if a token must not be sent to it; see
    `parse_address`.
    """
    given = server and check_setting(find_key(SERVER), server, "--server")
    url = given or settings[SERVER].value
    if not url:
        raise InvalidInputError(
            "No server is set: sign in with 'promptvault login --server URL'."
        )
    is_allowed = insecure or (not given and settings[INSECURE].value == "true")
    return parse_address(url, insecure=is_allowed)


def get_address(settings: Settings) -> Address:
    """Return the address in the settings; raise AuthenticationError without one."""
    if not settings[SERVER].value:
        raise AuthenticationError(
            "You are not signed in: 'promptvault login --server URL'."
        )
    return choose_address(settings)


def find_session(paths: Paths, address: Address) -> Session | None:
    """Return the session at *address*, None if no valid token is stored for it.

    Raise UnavailableError if the keyring is locked.
    """
    token = find_credential(paths.credentials, _name(address))
    try:
        return Session(address, setting_value.secret("The token", token or ""))
    except InvalidInputError:
        return None


def get_session(paths: Paths, address: Address) -> Session:
    """Return the session at *address*; raise AuthenticationError without one."""
    session = find_session(paths, address)
    if session is None:
        raise AuthenticationError(
            f"You are not signed in to {address.host}: 'promptvault login'."
        )
    return session


def is_signed_in(paths: Paths, settings: Settings) -> bool:
    """Return True if a token is stored for the server in the settings.

    The keyring is not read, so the token may be invalid. No PromptVaultError is raised.
    """
    with contextlib.suppress(PromptVaultError):
        address = choose_address(settings)
        return find_credential_source(paths.credentials, _name(address)) is not None
    return False


def store_session(paths: Paths, settings: Settings, session: Session) -> SettingSource:
    """Store a session as the one to use, and return where its token is stored."""
    place = store_credential(paths.credentials, _name(session.address), session.token)
    _set(paths.config_file, settings, SERVER, session.address.url)
    plain = not (session.address.is_encrypted or session.address.is_local)
    _set(paths.config_file, settings, INSECURE, "true" if plain else "false")
    return place


def is_overridden(settings: Settings, address: Address) -> bool:
    """Return True if the environment names another server, which takes precedence."""
    return parse_address(settings[SERVER].value, insecure=True) != address


def delete_token(paths: Paths, address: Address) -> None:
    """Delete the token for *address*; raise UnavailableError for a locked keyring."""
    delete_credential(paths.credentials, _name(address))


def _set(file: Path, settings: Settings, name: str, value: str) -> None:
    # An unchanged value is not written: the file may be read-only.
    if settings[name].value != value:
        config.store_setting(file, name, value)


def _name(address: Address) -> str:
    """Return the name of the token, so that no server gets another one's."""
    return f"token for {address.url}"
