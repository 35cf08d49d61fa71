"""The server's settings, from the environment alone."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MINIMUM_SECRET = 32
"""Characters; shorter ones could be guessed from a stolen database."""


class Settings(BaseSettings):
    """What an operator may set; ``PROMPTVAULT_SERVER_`` stands before each name."""

    model_config = SettingsConfigDict(
        env_prefix="PROMPTVAULT_SERVER_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[
        SecretStr | None,
        Field(
            validation_alias=AliasChoices(
                "PROMPTVAULT_SERVER_DATABASE_URL", "DATABASE_URL"
            )
        ),
    ] = None
    """The PostgreSQL to use; it may hold a password. Without it, one of our own."""
    secret: Annotated[SecretStr, Field(min_length=MINIMUM_SECRET)] | None = None
    """What tokens are hashed with; whoever changes it signs everybody out. Without it
    one that was drawn by lot lies in the database, and in each backup of it."""
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the server, as it stands in links and redirects."""
    pool_size: int = Field(default=10, ge=1)
    """The most database connections of one worker."""
    pool_timeout: float = Field(default=10.0, gt=0)
    """Seconds a request waits for one."""
    prepare_statements: bool = True
    """To be switched off behind a pooler that does not know prepared statements."""
    body_limit: int = Field(default=1024 * 1024, ge=1024)
    """Bytes of a request's body as it is sent."""
    inflated_limit: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Bytes of a request's body after inflating it."""
    trusted_proxies: int = Field(default=0, ge=0)
    """How many proxies stand before the server: so many entries at the end of
    ``X-Forwarded-For`` are believed."""
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
    metrics_token: SecretStr | None = None
    """What ``/metrics`` asks for, as a bearer token; without it, nothing."""

    @property
    def address(self) -> str:
        """The database's address; `hosting` puts it in where the operator set none."""
        assert self.database_url is not None
        return self.database_url.get_secret_value()

    @property
    def key(self) -> str:
        """The secret; `hosting` puts it in where the operator set none."""
        assert self.secret is not None
        return self.secret.get_secret_value()

    @property
    def token_life(self) -> timedelta:
        """How long a token lives after its last use."""
        return timedelta(days=self.token_days)

    @property
    def has_https(self) -> bool:
        """Whether people come by https, so that cookies may be ``Secure``."""
        return self.public_url.startswith("https://")

    @field_validator("public_url")
    @classmethod
    def _require_origin(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^/?#\s]+", url):
            raise ValueError("it must be as 'https://prompts.example.org'")
        return url
