"""What an answer that tells of an error means here."""

from pydantic import BaseModel, ValidationError

from promptvault.errors import (
    AuthenticationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PromptVaultError,
    RateLimitedError,
    TierLimitError,
    TooLargeError,
    UnavailableError,
)
from promptvault.wire.error import ErrorRead

_CLASSES = (
    *(AuthenticationError, PermissionDeniedError, NotFoundError, ConflictError),
    *(InvalidInputError, TooLargeError, TierLimitError, RateLimitedError),
    UnavailableError,
)
_BY_CODE = {each.code: each for each in _CLASSES}
"""What a server may tell of us; its own bugs are none of this program's."""

_OAUTH_STATUS = 400
_OUTDATED = 426
_LONGEST_MESSAGE = 500


class _OAuthError(BaseModel):
    """A word where an error of ours is an object."""

    error: str
    """Any word: a newer server may have more of them than we know."""


class SignInPendingError(PromptVaultError):
    """The server's word on a device's sign-in that is not done, as RFC 8628 has it."""

    def __init__(self, word: str) -> None:
        super().__init__(f"The sign-in is not done: {word}.")
        self.word = word


def failure(
    host: str, status: int, content: bytes, retry_after: float | None
) -> PromptVaultError:
    """Return the error that an answer of *host* stands for.

    A message of the server's is kept; whoever shows it makes it harmless.
    """
    told = _told(content)
    if status == _OUTDATED:
        return _outdated(host, told)
    if told is None:
        return _untold(host, status, retry_after)
    kind = _BY_CODE.get(told[0])
    if kind is RateLimitedError:
        return RateLimitedError(told[1], retry_after)
    if kind is None:
        return UnavailableError(f"{host} failed ({status}): {told[1]}")
    return kind(told[1])


def sign_in_failure(status: int, content: bytes) -> SignInPendingError | None:
    """Return the error that an answer in the form of OAuth stands for, if it is one.

    Only an exchange of a code is answered so: many a gateway writes its own errors in
    the same form, which on every other way mean what their status says.
    """
    if status != _OAUTH_STATUS:
        return None
    try:
        word = _OAuthError.model_validate_json(content).error
    except ValidationError:
        return None
    return SignInPendingError(word[:_LONGEST_MESSAGE])


def stranger(host: str) -> UnavailableError:
    """Return the error for a server that speaks of something else."""
    return UnavailableError(
        f"{host} answers, but not as a PromptVault server does: check its address."
    )


def _outdated(host: str, told: tuple[str, str] | None) -> UnavailableError:
    reason = f": {told[1]}" if told else "."
    return UnavailableError(
        f"{host} and this program speak different versions of the protocol; update"
        f" the older one{reason}"
    )


def _untold(host: str, status: int, retry_after: float | None) -> PromptVaultError:
    """Return the error for an answer of something before the server, as a proxy."""
    if status == RateLimitedError.status_code:
        return RateLimitedError(f"{host} has had too many requests.", retry_after)
    if status == TooLargeError.status_code:
        return TooLargeError(f"{host} does not take so much at once.")
    if status >= 500:
        return UnavailableError(f"{host} is out of order ({status}): try again later.")
    return stranger(host)


def _told(content: bytes) -> tuple[str, str] | None:
    """Return the code and the message of an error of ours."""
    try:
        detail = ErrorRead.model_validate_json(content).error
    except ValidationError:
        return None
    return detail.code, detail.message[:_LONGEST_MESSAGE]
