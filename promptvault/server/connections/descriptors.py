"""File descriptors: the limit of this process, and a log line when they run out."""

import asyncio
import errno
import resource
from typing import Any

import structlog

_REPEAT_SECONDS = 60.0
_SPARE = 64
"""Descriptors of a worker that are neither clients nor database connections."""
_SHORTAGE = {errno.EMFILE, errno.ENFILE}

_log = structlog.get_logger("promptvault.server")


def raise_limit() -> None:
    """Raise the soft limit of this process and its children to the hard limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def room_for_connections(pool_size: int) -> int:
    """Return how many clients there are descriptors for, at least 1.

    *pool_size* is the number of database connections.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return 2**31
    return max(1, limit - _SPARE - 2 * pool_size)


def report_shortage(loop: asyncio.AbstractEventLoop) -> None:
    """Make *loop* log at most once a minute that it is out of descriptors.

    By default asyncio logs each connection that it cannot accept, with a traceback, and
    all of them again every second.
    """
    last = -_REPEAT_SECONDS

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal last
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _SHORTAGE):
            loop.default_exception_handler(context)
        elif loop.time() - last >= _REPEAT_SECONDS:
            last = loop.time()
            _log.error("out of descriptors: new connections have to wait")

    loop.set_exception_handler(handle)
