"""Metrics for Prometheus, summed over the workers of one server."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The folder that workers share. The library reads it when it is imported."""

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
_JOBS = Counter(
    "promptvault_jobs",
    "Attempts of jobs that have ended: done, failed, dead.",
    ("kind", "outcome"),
    registry=_REGISTRY,
)
_JOB_AGE = Histogram(
    "promptvault_job_age_seconds",
    "How long ago a job was added when an attempt ended.",
    ("kind", "outcome"),
    buckets=(0.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600),
    registry=_REGISTRY,
)
_REDIS = Counter(
    "promptvault_redis_calls",
    "Calls of Redis: asked, or away if PostgreSQL did the work.",
    ("outcome",),
    registry=_REGISTRY,
)
_AI_REQUESTS = Counter(
    "promptvault_ai_requests",
    "Requests to the server's model that have ended: settled, failed.",
    ("task", "state"),
    registry=_REGISTRY,
)
_AI_COST = Counter(
    "promptvault_ai_micro_usd",
    "What they have cost, in millionths of a US dollar.",
    ("task",),
    registry=_REGISTRY,
)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Make the processes that start while the block runs share their metrics."""
    with tempfile.TemporaryDirectory(prefix="promptvault-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    _REQUESTS.labels(method, route, status).inc()
    _SECONDS.labels(route).observe(seconds)


def count_job(kind: str, outcome: str, age: float) -> None:
    """Count an attempt of a job that has ended; *age* is in seconds."""
    _JOBS.labels(kind, outcome).inc()
    _JOB_AGE.labels(kind, outcome).observe(age)


def count_ai(task: str, state: str, micro_usd: int) -> None:
    """Count a request to the server's model that has ended."""
    _AI_REQUESTS.labels(task, state).inc()
    _AI_COST.labels(task).inc(micro_usd)


def count_redis(*, is_up: bool) -> None:
    """Count a call that Redis gets, or would get if it were up."""
    _REDIS.labels("asked" if is_up else "away").inc()


def exposition() -> bytes:
    """Return the metrics of all workers in the text format of Prometheus."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(_REGISTRY)
    everywhere = CollectorRegistry()
    MultiProcessCollector(everywhere)  # type: ignore[no-untyped-call]
    return generate_latest(everywhere)
