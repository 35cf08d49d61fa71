"""Signatures of webhooks, as Svix makes them for Clerk."""

from collections.abc import Mapping

from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.exceptions import HTTPException

_PARTS = ("id", "timestamp", "signature")


def check(secret: SecretStr, body: bytes, headers: Mapping[str, str]) -> str:
    """Return the id of a message that is signed and at most five minutes old.

    Raises HTTPException with status 400 for any other.
    """
    # Svix has names of its own for the headers of the standard.
    named = {f"webhook-{part}": headers.get(f"svix-{part}", "") for part in _PARTS}
    try:
        webhook = Webhook(secret.get_secret_value())
        webhook.verify(body, named, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise HTTPException(400, "The signature is not good, or too old") from error
    return named["webhook-id"]
