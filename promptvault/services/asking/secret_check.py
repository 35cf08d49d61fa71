"""What may leave this computer: no likely secret does, unless somebody allows it."""

from collections.abc import Sequence

from promptvault.domain.prompt import Content, Prompt
from promptvault.errors import PermissionDeniedError
from promptvault.secret_scan import adds_secrets, secret_types

_NOTHING = Content("")


def refuse_secrets(
    prompt: Prompt, content: Content, text: str, *, allowed: bool = False
) -> None:
    """Raise PermissionDeniedError if *text*, made of *prompt*, would leak a secret.

    Its own are fine where `set --allow-secrets` allowed them for the prompt; what
    includes, values and pipes bring in is looked at, too.
    """
    if allowed:
        return
    known = content if prompt.secrets_allowed else _NOTHING
    if prompt.is_held_back or adds_secrets(known, Content(text)):
        types = secret_types(Content(text)) or prompt.secrets
        raise _refusal(prompt.name, types, "'redact' it")


def refuse_secrets_in(what: str, text: str, *, allowed: bool = False) -> None:
    """Raise PermissionDeniedError if *text*, typed by somebody, would leak a secret.

    *what* begins the sentence that tells it, as "The description".
    """
    types = () if allowed else secret_types(Content(text))
    if types:
        raise _refusal(what, types, "Take it out")


def _refusal(what: str, types: Sequence[str], remedy: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{what} was not sent: it seems to hold a secret ({', '.join(types)})."
        f" {remedy}, or give --allow-secrets."
    )
