"""A shared prompt without a page: its text, and the form that `import` reads."""

import base64
import binascii
import hashlib
import json

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from promptvault.errors import AuthenticationError
from promptvault.server.http.address import advertised_origin
from promptvault.server.http.head_requests import is_head
from promptvault.server.share.reading import StoredShare
from promptvault.server.share.visit import NO_PASSWORD, CurrentVisit, Shown, Visit
from promptvault.wire.share import SharedPrompt

router = APIRouter(prefix="/s", include_in_schema=False)

_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"
_HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Vary": "Authorization"}
_CACHED = {"Cache-Control": "private, max-age=60"}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="PromptVault share", charset="UTF-8"'}


@router.get("/{share_token}/raw")
async def raw_share(
    share_token: str, request: Request, visit: CurrentVisit
) -> Response:
    """Return the text, byte for byte; it counts as a view."""
    share, shown = await _open(share_token, request, visit)
    return await _answer(request, visit, share, shown.text.body.encode(), _TEXT)


@router.get("/{share_token}/json")
async def json_share(
    share_token: str, request: Request, visit: CurrentVisit
) -> Response:
    """Return the prompt as `promptvault import` reads it; it counts as a view."""
    share, shown = await _open(share_token, request, visit)
    url = f"{advertised_origin(request)}/s/{share.token}"
    row = _row(share, shown, url).model_dump(
        exclude=None if share.show_author else {"author"}
    )
    body = json.dumps(row, ensure_ascii=False, indent=2).encode() + b"\n"
    return await _answer(request, visit, share, body, _JSON)


async def _open(
    token: str, request: Request, visit: Visit
) -> tuple[StoredShare, Shown]:
    """Return what the reader may see; raises HTTPException if a password is needed."""
    share = await visit.find(token)
    given = _basic_password(request.headers.get("authorization", ""))
    is_needed = share.password_hash is not None and not visit.has_passed(share)
    if given is None and is_needed:
        raise HTTPException(401, NO_PASSWORD, _CHALLENGE)
    if given is not None:
        try:
            await visit.check_password(share, given)
        except AuthenticationError as error:
            raise HTTPException(401, str(error), _CHALLENGE) from None
    return share, await visit.show(share)


async def _answer(
    request: Request, visit: Visit, share: StoredShare, body: bytes, kind: str
) -> Response:
    """Return the answer and count it as a view; a HEAD does not count."""
    headers = dict(_HEADERS)
    if share.is_open:
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers |= {**_CACHED, "ETag": tag}
    if is_head(request):
        # Reading the length of the text counts as a view.
        body = body if share.max_views is None else b""
        return Response(body, headers=headers, media_type=kind)
    await visit.count(share)
    if share.is_open and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return Response(body, headers=headers, media_type=kind)


def _row(share: StoredShare, shown: Shown, url: str) -> SharedPrompt:
    details, text = shown.details, shown.text
    variables = [
        each._asdict() | {"choices": [*each.choices], "type": each.type.value}
        for each in text.variables
    ]
    return SharedPrompt(
        name=details.name,
        title=details.title,
        description=details.description,
        template=text.template,
        body=text.body,
        variables=variables,
        version=shown.number,
        updated_at=text.created_at,
        author=shown.author(share),
        url=url,
    )


def _basic_password(header: str) -> str | None:
    """Return the password of Basic authentication with any user, None without it."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    return text.partition(":")[2]
