"""The server's settings, from the environment alone."""

import base64
import os
import re
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from promptvault.domain.tier import ALLOWANCES, MB, Tier
from promptvault.server.ai.settings import AiSettings
from promptvault.server.billing.settings import BillingSettings
from promptvault.server.limit.rule import Limit

MINIMUM_SECRET = 32
"""Characters. A shorter secret could be found from the hashes in a stolen database."""
MINIMUM_SIGNING_KEY = 24
"""Bytes of the key of webhooks."""

# Plain http is allowed on this computer only, for tests with a provider.
_ISSUER = r"(https://[^/?#\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[^?#\s]*)?"
_HOST = r"(\[[\da-fA-F:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?"
_REDIS = rf"rediss?://([^\s/?#@]*@)?{_HOST}(/\d*)?|unix://[^?#\s]+"


def _or_no_limit(text: object) -> object:
    return None if text == "none" else text


StorageMb = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_or_no_limit)]


def _default_storage(tier: Tier) -> int | None:
    storage = ALLOWANCES[tier].storage
    return None if storage is None else storage // MB


class Settings(BillingSettings, AiSettings):
    """The operator's settings: variables ``PROMPTVAULT_SERVER_`` plus the name."""

    model_config = SettingsConfigDict(
        env_prefix="PROMPTVAULT_SERVER_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[SecretStr | None, Field(validate_default=True)] = None
    """The PostgreSQL to use; it may contain a password. The default is the variable
    ``DATABASE_URL``, or else the embedded database."""
    secret: SecretStr | None = None
    """The key of all hashes of tokens and codes; changing it signs everyone out. The
    default is a random one in the database, which backups then contain."""
    public_url: str = "http://127.0.0.1:8000"
    """The URL at which people reach the server, for links and redirects: scheme and
    host, no path. If it is not set, devices get the URL that they used."""
    listen_url: SecretStr | None = None
    """The same database without a transaction pooler in between, because LISTEN does
    not work through one. Without it, events come late behind such a pooler."""
    redis_url: SecretStr | None = None
    """A Redis that counts requests in place of PostgreSQL while it answers; it may
    contain a password."""
    streams_per_user: int = Field(default=20, ge=1)
    """The most devices of one user that listen at one worker."""
    heartbeat_seconds: float = Field(default=15.0, gt=0)
    """Seconds between two events or heartbeats for a device."""
    look_seconds: float = Field(default=60.0, gt=0)
    """Seconds between two reads of the database by a worker, for all devices that
    listen, to find changes of which it got no notification."""
    purge_daily: bool = False
    """Whether a job purges old data every day, as it always does with the embedded
    database. Otherwise run ``promptvault server purge``."""
    pool_size: int = Field(default=10, ge=1)
    """The most database connections of one worker."""
    pool_timeout: float = Field(default=10.0, gt=0)
    """Seconds that a request waits for one."""
    database_seconds: float = Field(default=35.0, gt=0)
    """Seconds that a request waits for answers of the database. It is a little longer
    than the statement timeout, so that only a database that hangs is given up."""
    prepare_statements: bool = True
    """Switch it off behind a pooler that does not support prepared statements."""
    body_limit: int = Field(default=1024 * 1024, ge=1024)
    """Bytes of a request's body as sent."""
    inflated_limit: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Bytes of a request's body after decompression."""
    connections: int = Field(default=4096, ge=1)
    """The most client connections of one worker, if there are enough descriptors."""
    connections_per_address: int = Field(default=256, ge=1)
    """The most of them from one IPv4 address or IPv6 /64. Ignored behind a proxy:
    there all connections have the same address."""
    head_seconds: float = Field(default=15.0, gt=0)
    """Seconds that a client may take to send the head of a request."""
    body_seconds: float = Field(default=60.0, gt=0)
    """Seconds that it may take to send a body, or to receive a part of an answer."""
    trusted_proxies: int = Field(default=0, ge=0)
    """The number of proxies in front of the server: so many entries at the end of
    ``X-Forwarded-For`` are trusted."""
    items_limit: int = Field(default=500, ge=1, le=500)
    """The most changes in one request or answer of sync."""
    versions_limit: int = Field(default=4000, ge=1)
    """The most versions in one answer."""
    history_limit: int = Field(default=10_000, ge=1)
    """The most versions of one prompt; changes that add more are refused."""
    free_storage_mb: StorageMb = _default_storage(Tier.FREE)
    """Megabytes that an account of the tier may store, deletions included; ``none`` is
    no limit."""
    pro_storage_mb: StorageMb = _default_storage(Tier.PRO)
    enterprise_storage_mb: StorageMb = _default_storage(Tier.ENTERPRISE)
    request_burst: int = Field(default=300, ge=1)
    """Requests that a device or machine may send at once. A first push of 100,000
    prompts takes 200."""
    requests_per_minute: float = Field(default=300, gt=0)
    """Requests that it may send after that."""
    account_burst: int = Field(default=1200, ge=1)
    """The same as ``request_burst`` for all devices of an account together."""
    account_requests_per_minute: float = Field(default=1200, gt=0)
    """Requests that they may send after that."""
    requests_at_once: int = Field(default=2, ge=1)
    """The most requests of one account that a worker answers at the same time. Others
    wait, and hold no database connection meanwhile."""
    token_days: int = Field(default=90, ge=1)
    """Days after its last use at which a token expires."""
    smtp_host: str | None = None
    """The SMTP server for mail. Without it, addresses are not verified."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "PromptVault <promptvault@localhost>"
    """The sender of mails."""
    jobs: Literal["inside", "off"] = "inside"
    """Whether each worker of the server also does jobs, such as sending mail. With
    ``off``, run ``promptvault server work``."""
    abuse_mail: str | None = None
    """The address to which readers of a shared prompt can report it."""
    sign_up: Literal["open", "closed"] = "open"
    """Whether people may sign up; the operator can always add users."""
    grace_days: int = Field(default=30, ge=0)
    """Days until the data of a deleted user are erased."""
    oidc_issuer: str | None = None
    """The URL of a sign-in provider with OpenID Connect, exactly as in its discovery
    document."""
    oidc_client_id: Annotated[str, Field(min_length=1)] | None = None
    oidc_client_secret: SecretStr | None = None
    """Not needed for a public client, which PKCE protects."""
    oidc_name: str = "your organisation"
    """The name of the provider on the pages."""
    oidc_allowed_azp: Annotated[frozenset[str], NoDecode] = frozenset()
    """Other authorized parties of ID tokens, separated by commas."""
    clerk_webhook_secret: SecretStr | None = None
    """The key of Clerk's webhooks; without it they are refused."""
    metrics_token: SecretStr | None = None
    """The bearer token for ``/metrics``; without it, none is needed."""

    @property
    def address(self) -> str:
        """The address of the database, set by the operator or by `database_choice`."""
        assert self.database_url is not None
        return self.database_url.get_secret_value()

    @property
    def listen_address(self) -> str:
        """The address of the database for LISTEN."""
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
        """The rate limit of a device or machine."""
        return Limit(self.request_burst, self.requests_per_minute)

    def storage_limit(self, plan: str) -> int | None:
        """Return the bytes that an account on *plan* may store; None is no limit."""
        mb = {
            Tier.FREE: self.free_storage_mb,
            Tier.PRO: self.pro_storage_mb,
            Tier.ENTERPRISE: self.enterprise_storage_mb,
        }[Tier(plan)]
        return None if mb is None else mb * MB

    @property
    def account_limit(self) -> Limit:
        """The rate limit of all devices of an account together."""
        return Limit(self.account_burst, self.account_requests_per_minute)

    @property
    def token_life(self) -> timedelta:
        """How long a token is valid after its last use."""
        return timedelta(days=self.token_days)

    @property
    def grace(self) -> timedelta:
        """How long the data of a deleted user are kept."""
        return timedelta(days=self.grace_days)

    @property
    def has_https(self) -> bool:
        """Whether the public URL has https, so that cookies can be ``Secure``."""
        return self.public_url.startswith("https://")

    @field_validator("database_url", mode="before")
    @classmethod
    def _or_the_usual_variable(cls, url: object) -> object:
        return url or os.environ.get("DATABASE_URL") or None

    @field_validator("listen_url", "redis_url", mode="before")
    @classmethod
    def _or_none(cls, url: object) -> object:
        return url or None

    @field_validator("redis_url")
    @classmethod
    def _require_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        if not re.fullmatch(_REDIS, url.get_secret_value()):
            raise ValueError("it must be as 'redis://:PASSWORD@redis.example.org:6379'")
        if find_spec("redis") is None:
            raise ValueError("it needs pip install 'promptvault[server,redis]'")
        return url

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
