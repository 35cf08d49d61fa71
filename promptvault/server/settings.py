"""The server's settings, from the environment alone."""

import base64
import os
import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from promptvault.domain.tier import ALLOWANCES, MB, Tier
from promptvault.server.limit.rule import Limit

MINIMUM_SECRET = 32
"""Characters; shorter ones could be guessed from a stolen database."""
MINIMUM_SIGNING_KEY = 24
"""Bytes of what webhooks are signed with."""

# Without encryption on this computer alone, as for a provider under test.
_ISSUER = r"(https://[^/?#\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^?#\s]*)?"


def _or_no_limit(text: object) -> object:
    return None if text == "none" else text


StorageMb = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_or_no_limit)]


def _default_storage(tier: Tier) -> int | None:
    storage = ALLOWANCES[tier].storage
    return None if storage is None else storage // MB


class Settings(BaseSettings):
    """What an operator may set; ``PROMPTVAULT_SERVER_`` stands before each name."""

    model_config = SettingsConfigDict(
        env_prefix="PROMPTVAULT_SERVER_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[SecretStr | None, Field(validate_default=True)] = None
    """The PostgreSQL to use; it may hold a password. Without it the one that
    ``DATABASE_URL`` names, or one of our own."""
    secret: SecretStr | None = None
    """What tokens are hashed with; whoever changes it signs everybody out. Without it
    one that was drawn by lot lies in the database, and in each backup of it."""
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the server, as it stands in links and redirects: scheme and
    host, without a path. Unless it is set, devices are told the address they used."""
    listen_url: SecretStr | None = None
    """The same database without a pooler before it that shares connections between
    transactions: through such a one nobody can listen. Else events come late."""
    streams_per_user: int = Field(default=20, ge=1)
    """The most devices of one user that listen at once, of one worker."""
    heartbeat_seconds: float = Field(default=15.0, gt=0)
    """How often a device hears something, if only that the server is there."""
    look_seconds: float = Field(default=60.0, gt=0)
    """How often a worker looks in the database, for all devices that listen at once,
    whether there is anything that it has not heard of."""
    purge_daily: bool = False
    """Whether the server forgets by itself what is old, as one without a database of
    the operator's does; else ``promptvault server purge`` is to be run."""
    pool_size: int = Field(default=10, ge=1)
    """The most database connections of one worker."""
    pool_timeout: float = Field(default=10.0, gt=0)
    """Seconds a request waits for one."""
    database_seconds: float = Field(default=35.0, gt=0)
    """Seconds a request waits for what the database answers; a little longer than the
    database lets a statement take, so that only one that hangs is given up."""
    prepare_statements: bool = True
    """To be switched off behind a pooler that does not know prepared statements."""
    body_limit: int = Field(default=1024 * 1024, ge=1024)
    """Bytes of a request's body as it is sent."""
    inflated_limit: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Bytes of a request's body after inflating it."""
    connections: int = Field(default=4096, ge=1)
    """The most connections of one worker, if the system allows as many descriptors."""
    connections_per_address: int = Field(default=256, ge=1)
    """The most of them from one address, an IPv6 network counting as one. Without
    meaning behind a proxy, from which all of them come."""
    head_seconds: float = Field(default=15.0, gt=0)
    """How long a client may take for the head of a request."""
    body_seconds: float = Field(default=60.0, gt=0)
    """How long it may take for the body, and for taking what it is sent."""
    trusted_proxies: int = Field(default=0, ge=0)
    """How many proxies stand before the server: so many entries at the end of
    ``X-Forwarded-For`` are believed."""
    items_limit: int = Field(default=500, ge=1, le=500)
    """Changes in one request or answer of sync."""
    versions_limit: int = Field(default=4000, ge=1)
    """Versions in one answer."""
    history_limit: int = Field(default=10_000, ge=1)
    """Versions of one prompt; beyond them, changes that bring more are refused."""
    free_storage_mb: StorageMb = _default_storage(Tier.FREE)
    """MB that an account of that tier may store, deletions included; ``none`` is
    without limit."""
    pro_storage_mb: StorageMb = _default_storage(Tier.PRO)
    enterprise_storage_mb: StorageMb = _default_storage(Tier.ENTERPRISE)
    request_burst: int = Field(default=300, ge=1)
    """Requests that a device, or a machine's token, may send at once: a first push of
    100,000 prompts takes 200."""
    requests_per_minute: float = Field(default=300, gt=0)
    """How many more it may send after that."""
    account_burst: int = Field(default=1200, ge=1)
    """Requests that all devices of an account together may send at once."""
    account_requests_per_minute: float = Field(default=1200, gt=0)
    """How many more they may send after that."""
    requests_at_once: int = Field(default=2, ge=1)
    """The most requests of one account that a worker answers at the same time; the
    others wait for their turn, and hold no connection to the database."""
    token_days: int = Field(default=90, ge=1)
    """Days after its last use at which a token expires."""
    smtp_host: str | None = None
    """Where mail goes out; without it, addresses are believed without a mail."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "PromptVault <promptvault@localhost>"
    """Who mails say they are from."""
    sign_up: Literal["open", "closed"] = "open"
    """Whether people may make accounts by themselves; the operator always may."""
    grace_days: int = Field(default=30, ge=0)
    """Days for which the data of a deleted user are kept."""
    oidc_issuer: str | None = None
    """Who else may sign people in, by OpenID Connect; its address, exactly as its
    discovery document spells it."""
    oidc_client_id: Annotated[str, Field(min_length=1)] | None = None
    oidc_client_secret: SecretStr | None = None
    """Not for a public client, which PKCE protects by itself."""
    oidc_name: str = "your organisation"
    """What people know the provider as."""
    oidc_allowed_azp: Annotated[frozenset[str], NoDecode] = frozenset()
    """Who else an ID token may have been made for, with commas between them."""
    clerk_webhook_secret: SecretStr | None = None
    """What Clerk signs its webhooks with; without it there are none."""
    metrics_token: SecretStr | None = None
    """What ``/metrics`` asks for, as a bearer token; without it, nothing."""

    @property
    def address(self) -> str:
        """The address of the database, set by the operator or by `database_choice`."""
        assert self.database_url is not None
        return self.database_url.get_secret_value()

    @property
    def listen_address(self) -> str:
        """Where the database is listened to."""
        return (
            self.listen_url or self.database_url or SecretStr("")
        ).get_secret_value()

    @property
    def key(self) -> str:
        """The secret, set by the operator or by `database_choice`."""
        assert self.secret is not None
        return self.secret.get_secret_value()

    @property
    def request_limit(self) -> Limit:
        """How often a device may ask."""
        return Limit(self.request_burst, self.requests_per_minute)

    def storage_limit(self, plan: str) -> int | None:
        """Return how many bytes an account on *plan* may store, None without limit."""
        mb = {
            Tier.FREE: self.free_storage_mb,
            Tier.PRO: self.pro_storage_mb,
            Tier.ENTERPRISE: self.enterprise_storage_mb,
        }[Tier(plan)]
        return None if mb is None else mb * MB

    @property
    def account_limit(self) -> Limit:
        """How often all devices of an account together may ask."""
        return Limit(self.account_burst, self.account_requests_per_minute)

    @property
    def token_life(self) -> timedelta:
        """How long a token lives after its last use."""
        return timedelta(days=self.token_days)

    @property
    def grace(self) -> timedelta:
        """How long the data of a deleted user are kept."""
        return timedelta(days=self.grace_days)

    @property
    def has_https(self) -> bool:
        """Whether people come by https, so that cookies may be ``Secure``."""
        return self.public_url.startswith("https://")

    @field_validator("database_url", mode="before")
    @classmethod
    def _or_the_usual_variable(cls, url: object) -> object:
        return url or os.environ.get("DATABASE_URL") or None

    @field_validator("listen_url", mode="before")
    @classmethod
    def _or_none(cls, url: object) -> object:
        return url or None

    @field_validator("secret")
    @classmethod
    def _require_length(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret) < MINIMUM_SECRET:
            raise ValueError(f"it must have at least {MINIMUM_SECRET} characters")
        return secret

    @field_validator("public_url")
    @classmethod
    def _require_origin(cls, url: str) -> str:
        url = url.removesuffix("/")
        if re.fullmatch(r"https?://[^/?#@\s]+/[^?#\s]*", url):
            raise ValueError(
                "a path is not supported, as cookies and links are those of a whole"
                " host: give the server a host name of its own, such as"
                " 'https://prompts.example.org'"
            )
        if not re.fullmatch(r"https?://[^/?#@\s]+", url):
            raise ValueError("it must be as 'https://prompts.example.org'")
        return url

    @field_validator("oidc_allowed_azp", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        if not isinstance(names, str):
            return names
        return {name.strip() for name in names.split(",")} - {""}

    @field_validator("oidc_issuer")
    @classmethod
    def _require_https(cls, url: str | None) -> str | None:
        if url and not re.fullmatch(_ISSUER, url):
            raise ValueError("it must be as 'https://sign-in.example.org'")
        return url or None

    @field_validator("oidc_client_id")
    @classmethod
    def _require_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and not info.data.get("oidc_issuer"):
            raise ValueError("it needs PROMPTVAULT_SERVER_OIDC_ISSUER")
        return value

    @field_validator("clerk_webhook_secret")
    @classmethod
    def _require_signing_secret(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if secret is None or not secret.get_secret_value():
            return None
        if not info.data.get("oidc_issuer"):
            raise ValueError("it needs PROMPTVAULT_SERVER_OIDC_ISSUER")
        if not _is_signing_secret(secret.get_secret_value()):
            raise ValueError("it must be as Clerk shows it, 'whsec_…'")
        return secret


def _is_signing_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return len(key) >= MINIMUM_SIGNING_KEY
