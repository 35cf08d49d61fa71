"""What every answer tells browsers not to do."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    # Pages are text, one style sheet and one icon of ours; they run nothing.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # addresses of pages hold codes
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_HTTPS_ONLY = "max-age=31536000"


class SecurityHeaders:
    """Adds them to each answer; one that an endpoint has set stays."""

    def __init__(self, app: ASGIApp, has_https: bool) -> None:
        self._app = app
        headers = dict(_HEADERS)
        if has_https:
            headers["Strict-Transport-Security"] = _HTTPS_ONLY
        self._headers = [
            (name.lower().encode(), value.encode()) for name, value in headers.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                set_already = {name for name, _ in own}
                message["headers"] = [
                    *own,
                    *(each for each in self._headers if each[0] not in set_already),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)
