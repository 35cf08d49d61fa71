"""Headers that restrict what browsers do with an answer."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def page_policy(*form_targets: str) -> str:
    """Return the policy of a page; *form_targets* are sites that its forms lead to.

    Pages use one style sheet and one icon of this server, and no scripts.
    """
    targets = " ".join(["'self'", *form_targets])
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {targets};"
        " base-uri 'none'; frame-ancestors 'none'"
    )


_ALL = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_PAGES = {
    "Content-Security-Policy": page_policy(),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # URLs of pages contain codes
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_API = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_API_PREFIX = "/v1/"
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """Adds the headers to each answer, except those that the endpoint has set.

    An answer of the API gets only the headers that matter without a page.
    """

    def __init__(self, app: ASGIApp, has_https: bool) -> None:
        self._app = app
        more = _HTTPS_ONLY if has_https else {}
        self._of_page = _encoded({**_ALL, **_PAGES, **more})
        self._of_api = _encoded({**_ALL, **_API, **more})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_api = scope.get("path", "").startswith(_API_PREFIX)
        headers = self._of_api if is_api else self._of_page

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                set_already = {name for name, _ in own}
                message["headers"] = [
                    *own,
                    *(each for each in headers if each[0] not in set_already),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
