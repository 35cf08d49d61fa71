"""A layer around the application: HEAD is answered as GET is, without the body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Lets every route that answers GET answer HEAD.

    An answer that is made piece by piece, or has no end, is left after its head: the
    application is told that the client has gone.
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

        # A copy: the server below drops the body by the method in its own.
        inner: Scope = {**scope, "method": "GET"}
        try:
            await self._app(inner, receive_until_begun, send_head)
        finally:
            scope["route"] = inner.get("route")  # the log around this names it
