"""The routes of the app, and the parameters of each, read from their code."""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from fastapi import params
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, SecretStr
from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection
from starlette.responses import Response

from promptvault.server.app import create_app
from promptvault.server.guard import PUBLIC_ROUTES
from promptvault.server.settings import Settings

_GIVEN = (HTTPConnection, Response, BackgroundTasks)
"""Parameters that FastAPI fills itself."""


class Slot(NamedTuple):
    """A parameter of a request."""

    where: str
    """``path``, ``query``, ``form``, ``header``, ``cookie`` or ``json``."""
    name: str


class Route(NamedTuple):
    """A route of the app, with one method."""

    name: str
    method: str
    path: str
    endpoint: Callable[..., Any]

    @property
    def is_protected(self) -> bool:
        """Whether it requires a token."""
        is_open = self.name in {*PUBLIC_ROUTES, "openapi"}
        return self.path.startswith("/v1/") and not is_open

    def slots(self) -> list[Slot]:
        """Return all parameters of a request."""
        return [*_slots(self.endpoint, self.path)]


def all_routes() -> list[Route]:
    """Return every route that the app has."""
    settings = Settings(
        database_url=SecretStr("postgresql://"), secret=SecretStr("x" * 32)
    )
    return [
        Route(str(route.name), method, str(route.path), route.endpoint)
        for route in iter_route_contexts(create_app(settings).routes)
        for method in sorted({*(route.methods or ())} - {"HEAD"})
        if route.endpoint is not None
    ]


def _slots(call: Callable[..., Any], path: str) -> Iterator[Slot]:
    """Yield the parameters of *call* and of its dependencies."""
    for name, parameter in inspect.signature(call, eval_str=True).parameters.items():
        kind: Any = parameter.annotation
        marks: list[Any] = []
        if get_origin(kind) is Annotated:
            kind, *marks = get_args(kind)
        depends = [mark for mark in marks if isinstance(mark, params.Depends)]
        if depends:
            yield from _slots(depends[0].dependency or kind, path)
        elif not _is_a(kind, _GIVEN):
            yield from _own_slots(name, kind, _where(name, kind, marks, path))


def _own_slots(name: str, kind: Any, where: str) -> Iterator[Slot]:
    if where == "form" and _is_a(kind, BaseModel):
        yield from (Slot(where, field) for field in kind.model_fields)
    else:
        yield Slot(where, name.replace("_", "-") if where == "header" else name)


def _where(name: str, kind: Any, marks: list[Any], path: str) -> str:
    for mark in marks:
        if isinstance(mark, params.Form | params.Header | params.Cookie):
            return type(mark).__name__.lower()
    if f"{{{name}}}" in path:
        return "path"
    is_body = any(isinstance(mark, params.Body) for mark in marks)
    return "json" if is_body or _is_a(kind, BaseModel) else "query"


def _is_a(kind: Any, classes: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, classes)
