"""What `/metrics` counts, for Prometheus; workers of one server count together."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Set before this module is imported, it names the folder where workers meet."""

_REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "promptvault_requests",
    "Requests that were answered.",
    ("method", "route", "status"),
    registry=_REGISTRY,
)
_SECONDS = Histogram(
    "promptvault_request_seconds",
    "How long an answer took.",
    ("route",),
    registry=_REGISTRY,
)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Let processes that start while the block runs count together."""
    with tempfile.TemporaryDirectory(prefix="promptvault-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    _REQUESTS.labels(method, route, status).inc()
    _SECONDS.labels(route).observe(seconds)


def exposition() -> bytes:
    """Return everything counted, by all workers, as Prometheus reads it."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(_REGISTRY)
    everywhere = CollectorRegistry()
    MultiProcessCollector(everywhere)  # type: ignore[no-untyped-call]
    return generate_latest(everywhere)
