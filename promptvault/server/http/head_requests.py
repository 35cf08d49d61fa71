"""A middleware that answers HEAD like GET, without the body."""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_IS_HEAD = "promptvault.is_head"


def is_head(request: HTTPConnection) -> bool:
    """Return True if a request that looks like a GET is a HEAD."""
    return _IS_HEAD in request.scope


class HeadRequests:
    """Makes each route that answers GET answer HEAD too.

    After the head, the application sees a disconnected client. So it stops to stream a
    long answer, or one without an end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        has_begun = False

        async def receive_until_begun() -> Message:
            return {"type": "http.disconnect"} if has_begun else await receive()

        async def send_head(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.body" and has_begun:
                return
            await send(message)
            if message["type"] == "http.response.start":
                has_begun = True
                await send({"type": "http.response.body"})

        # A copy, because uvicorn looks at the method of its own scope.
        inner: Scope = {**scope, "method": "GET", _IS_HEAD: True}
        try:
            await self._app(inner, receive_until_begun, send_head)
        finally:
            scope["route"] = inner.get("route")  # the log needs it
