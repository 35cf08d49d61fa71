"""The check before a text is sent to a model: it must not hold a likely secret."""

from collections.abc import Sequence

from promptvault.domain.prompt import Content, Prompt
from promptvault.errors import PermissionDeniedError
from promptvault.secret_scan import adds_secrets, secret_types

_NOTHING = Content("")


def refuse_secrets(
    prompt: Prompt, content: Content, text: str, *, allowed: bool = False
) -> None:
    """Raise PermissionDeniedError if *text*, rendered from *prompt*, holds a secret.

    Secrets of the prompt's own *content* are accepted if `set --allow-secrets` allowed
    them. Secrets from includes, values and stdin never are, unless *allowed*.
    """
    if allowed:
        return
    known = content if prompt.secrets_allowed else _NOTHING
    if prompt.is_held_back or adds_secrets(known, Content(text)):
        types = secret_types(Content(text)) or prompt.secrets
        raise _refusal(prompt.name, types, "'redact' it")


def refuse_secrets_in(what: str, text: str, *, allowed: bool = False) -> None:
    """Raise PermissionDeniedError if *text*, which a person typed, holds a secret.

    *what* is the subject of the error message, for example "The description".
    """
    types = () if allowed else secret_types(Content(text))
    if types:
        raise _refusal(what, types, "Take it out")


def _refusal(what: str, types: Sequence[str], remedy: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{what} was not sent: it seems to hold a secret ({', '.join(types)})."
        f" {remedy}, or give --allow-secrets."
    )
