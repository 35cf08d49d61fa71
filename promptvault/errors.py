"""Every error PromptVault raises on purpose: its wire code, exit code, HTTP status."""


class PromptVaultError(Exception):
    """A fault in PromptVault itself; the base of every error it raises.

    The message says what happened and what to do about it. It never carries
    the text of a prompt, a token, a key or a database address.
    """

    code: str = "internal"
    exit_code: int = 1
    status_code: int = 500


class InvalidInputError(PromptVaultError):
    """What the caller gave cannot be used as it is."""

    code = "invalid_input"
    exit_code = 2
    status_code = 422


class TooLargeError(InvalidInputError):
    """What was sent is longer than the server takes."""

    code = "too_large"
    status_code = 413


class OutdatedError(InvalidInputError):
    """The client and the server speak no common version of the protocol."""

    code = "outdated"
    status_code = 426


class NotFoundError(PromptVaultError):
    """The prompt, version, label or import asked for does not exist."""

    code = "not_found"
    exit_code = 3
    status_code = 404


class GoneError(NotFoundError):
    """It was there once, and has ended."""

    status_code = 410


class AuthenticationError(PromptVaultError):
    """Nobody is signed in, or the token is no longer good."""

    code = "unauthenticated"
    exit_code = 4
    status_code = 401


class PermissionDeniedError(PromptVaultError):
    """Signed in, but not allowed."""

    code = "forbidden"
    exit_code = 4
    status_code = 403


class ConflictError(PromptVaultError):
    """The state found is not the state the request was made for."""

    code = "conflict"
    exit_code = 5
    status_code = 409


class AlreadyExistsError(ConflictError):
    """The name is taken."""


class UnavailableError(PromptVaultError):
    """A server, a provider, the network or a helper program cannot be reached."""

    code = "unavailable"
    exit_code = 6
    status_code = 503


class UnknownRouteError(UnavailableError):
    """The server has no such path: it is older, or of another kind."""


class VaultError(PromptVaultError):
    """The vault is locked, damaged, unwritable, or newer than this program."""

    code = "vault_unusable"
    exit_code = 7
    status_code = 500


class ImportSourceError(PromptVaultError):
    """Nothing in the source can be imported, or it was refused as unsafe."""

    code = "import_failed"
    exit_code = 8
    status_code = 422


class TierLimitError(PromptVaultError):
    """The account's plan does not allow it."""

    code = "tier_limit"
    exit_code = 9
    status_code = 402


class RateLimitedError(PromptVaultError):
    """Too many requests; try again later."""

    code = "rate_limited"
    exit_code = 10
    status_code = 429

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which a new attempt makes sense, if known."""
