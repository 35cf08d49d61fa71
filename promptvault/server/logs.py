"""Structured logs: one JSON object a line on stderr, and never what people wrote."""

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import structlog

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure() -> None:
    """Send everything that this process logs to stderr, as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_message,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,  # stderr may be another one later
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Library) for handler in root.handlers):
        root.addHandler(_Library(logging.WARNING))


class _Library(logging.Handler):
    """Logs what libraries log, without what they fill into their messages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        log = structlog.get_logger().bind(library=record.name)
        causes = _causes(record.args)
        if causes:
            log = log.bind(causes=causes)
        log.log(record.levelno, str(record.msg), exc_info=record.exc_info)


def _causes(filled_in: object) -> list[dict[str, Any]]:
    """Return what the exceptions among *filled_in* are, without their messages."""
    if isinstance(filled_in, Mapping):
        filled_in = filled_in.values()
    found = filled_in if isinstance(filled_in, Iterable) else ()
    return [
        {
            "exception": type(each).__qualname__,
            "sqlstate": getattr(each, "sqlstate", None),
        }
        for each in found
        if isinstance(each, BaseException)
    ]


def _without_message(_logger: object, _method: str, event: Any) -> Any:
    """Tell where an exception came from, but not its message.

    That of a database or of a validation quotes what was sent: addresses, prompts.
    """
    info = event.pop("exc_info", None)
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    elif info and not isinstance(info, tuple):
        info = sys.exc_info()
    if info and info[0] is not None:
        event.update(describe(info))
    return event


def describe(info: _ExcInfo) -> dict[str, Any]:
    """Return an exception's type and where it was raised, innermost call last."""
    frames = traceback.extract_tb(info[2])
    return {
        "exception": info[0].__qualname__,
        "where": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
    }
