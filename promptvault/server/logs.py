"""Structured logs: one JSON object a line on stderr, without any user content."""

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import structlog

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure() -> None:
    """Write all logs of this process to stderr, as JSON."""
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
        cache_logger_on_first_use=False,  # stderr may be replaced
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _Library) for handler in root.handlers):
        root.addHandler(_Library(logging.WARNING))


class _Library(logging.Handler):
    """Logs the messages of libraries without the values formatted into them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        log = structlog.get_logger().bind(library=record.name)
        causes = _causes(record.args)
        if causes:
            log = log.bind(causes=causes)
        log.log(record.levelno, str(record.msg), exc_info=record.exc_info)


def _causes(values: object) -> list[dict[str, Any]]:
    """Return the types of the exceptions among the values of a message."""
    if isinstance(values, Mapping):
        values = values.values()
    found = values if isinstance(values, Iterable) else ()
    return [
        {
            "exception": type(each).__qualname__,
            "sqlstate": getattr(each, "sqlstate", None),
        }
        for each in found
        if isinstance(each, BaseException)
    ]


def _without_message(_logger: object, _method: str, event: Any) -> Any:
    """Replace an exception by its type and traceback, without its message.

    Messages of databases and validations quote addresses and prompts.
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
    """Return an exception's type and traceback, innermost call last."""
    frames = traceback.extract_tb(info[2])
    return {
        "exception": info[0].__qualname__,
        "where": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
    }
