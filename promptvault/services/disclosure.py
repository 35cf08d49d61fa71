"""What may leave this computer: no likely secret does, unless somebody allows it."""

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
        raise PermissionDeniedError(
            f"{prompt.name} was not sent: it seems to hold a secret"
            f" ({', '.join(types)}). 'redact' it, or give --allow-secrets."
        )
