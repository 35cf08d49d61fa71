"""What endpoints depend on runs in the event loop."""

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from promptvault.server.app import create_app
from promptvault.server.settings import Settings


def test_no_request_waits_for_a_thread(settings: Settings) -> None:
    # FastAPI runs every other function in a thread; one took a fifth of a page's time.
    calls = {
        call
        for route in iter_route_contexts(create_app(settings).routes)
        for call in _calls(getattr(route, "dependant", None) or Dependant())
    }
    assert len(calls) > 50
    assert [call for call in calls if not _is_coroutine(call)] == []


def _calls(dependant: Dependant) -> Iterator[object]:
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)


def _is_coroutine(call: object) -> bool:
    functions = (call, getattr(call, "__call__", None))  # noqa: B004 - of an instance
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in functions
    )
