"""The mail to the owner of a share that is paused."""

from collections.abc import Mapping
from uuid import UUID

from promptvault.server.database import Connection
from promptvault.server.mail import Letter
from promptvault.server.settings import Settings
from promptvault.server.share.content import details_of

_SUBJECT = "A prompt that you share is paused"
_TEXT = """\
Your share of the prompt "{name}" is paused. The version that it would show seems to
hold a key or a password:

{url}

Until you have looked at it, the link shows nothing. Remove the secret from the prompt
and sync it: the share then goes on. Or end the share, with 'promptvault shares revoke',
and make a new one with --allow-secrets.
"""

_FIND = """
SELECT u.email, s.token, i.payload FROM shares s
  JOIN users u ON u.id = s.created_by AND u.deleted_at IS NULL
  JOIN items i ON i.vault_id = s.vault_id AND i.item_id = s.item_id
 WHERE s.id = %s AND s.revoked_at IS NULL AND s.paused_at IS NOT NULL
   AND (s.expires_at IS NULL OR s.expires_at > now())
   AND NOT i.deleted AND i.payload IS NOT NULL
"""


async def write_mail(
    connection: Connection, settings: Settings, ids: Mapping[str, str]
) -> Letter | None:
    """Write the mail; None if the share is no longer paused."""
    cursor = await connection.execute(_FIND, (UUID(ids["share"]),))
    row = await cursor.fetchone()
    if row is None:
        return None
    email, token, payload = row
    name = details_of(payload).name
    url = f"{settings.public_url}/s/{token}"
    return Letter(email, _SUBJECT, _TEXT.format(name=name, url=url))
