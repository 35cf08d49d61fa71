"""The running server: one socket, one or more workers, and a word when it answers."""

import contextlib
import functools
import gc
import http.client
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from promptvault.errors import UnavailableError
from promptvault.server import logs, metrics
from promptvault.server.app import create_app
from promptvault.server.connections import descriptors
from promptvault.server.connections.protocol import TrackedProtocol
from promptvault.server.postgres import database_choice
from promptvault.server.server_urls import ServerUrls, find_urls, local_url
from promptvault.server.settings import Settings

_GRACE_SECONDS = 10
_POLL_SECONDS = 0.02

_log = structlog.get_logger("promptvault.server")


def run(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    announce: Callable[[ServerUrls], None],
    wait_for_end: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; *announce* is told the addresses once it answers.

    *wait_for_end* returns when the database has ended, and the server then does too.
    Raises UnavailableError for that, and where the port is taken or the app does not
    start.
    """
    descriptors.raise_limit()
    with listening(host, port) as listener:
        urls = find_urls(settings, listener, host)
        settings = settings.model_copy(update={"public_url": urls.public_url})
        database_choice.store_public_url(settings)
        app = functools.partial(worker_app, settings, urls.names)
        config = configuration(app, workers)
        _announce_when_ready(listener, lambda: announce(urls))
        if workers == 1:
            _run_one(config, listener, wait_for_end)
        else:
            _run_many(config, listener, wait_for_end)


def configuration(app: Callable[[], FastAPI], workers: int = 1) -> uvicorn.Config:
    """Return how uvicorn is to run *app*: without logs of its own, and graceful."""
    return uvicorn.Config(
        app,
        factory=True,
        http=TrackedProtocol,
        workers=workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `address` looks at what proxies say
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def worker_app(settings: Settings, names: frozenset[str]) -> FastAPI:
    """Return the app of a worker, which ends when the process that started it does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    app = create_app(settings, names)
    # What is loaded stays: a collector that walks all of it would stop every request
    # that is under way, for a tenth of a second, several times a minute. And a request
    # makes thousands of objects, which nearly all are gone before it is over.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or "the name is not known"
        raise UnavailableError(f"Cannot listen on {host}:{port}: {reason}.") from None
    listener.set_inheritable(True)
    # Connections inherit it. asyncio sets it only for sockets that name their protocol;
    # without it an answer's body waits 40 ms for the acknowledgement of its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _announce_when_ready(listener: socket.socket, announce: Callable[[], None]) -> None:
    def wait() -> None:
        while not _answers(listener):
            time.sleep(_POLL_SECONDS)
        announce()

    threading.Thread(target=wait, daemon=True).start()


def _answers(listener: socket.socket) -> bool:
    url = local_url(listener).removeprefix("http://")
    connection = http.client.HTTPConnection(url, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _run_one(
    config: uvicorn.Config,
    listener: socket.socket,
    wait_for_end: Callable[[], None] | None,
) -> None:
    # uvicorn stops at SIGTERM, and then sends it again to whoever came before: us.
    signal.signal(signal.SIGTERM, _end)
    server = uvicorn.Server(config)
    with _ending_with_database(wait_for_end, lambda: server.should_exit):
        server.run(sockets=[listener])
    if not server.started:
        raise UnavailableError("The server does not start; its log tells why.")


def _run_many(
    config: uvicorn.Config,
    listener: socket.socket,
    wait_for_end: Callable[[], None] | None,
) -> None:
    logs.configure()  # each worker does so for itself
    with metrics.shared():
        supervisor = _Supervisor(config, sockets=[listener])
        with _ending_with_database(wait_for_end, supervisor.is_ending):
            supervisor.run()
    if supervisor.was_interrupted:
        raise KeyboardInterrupt
    if not supervisor.was_ended:
        raise UnavailableError("The server does not start; its log tells why.")


class _Supervisor(Multiprocess):
    """Tells how it came to an end, and logs how its workers did."""

    was_interrupted = was_ended = False

    def is_ending(self) -> bool:
        """Tell whether it was told to stop; a signal is heeded only after a while."""
        heard = {signal.SIGINT, signal.SIGTERM}.intersection(self.signal_queue)
        return bool(heard) or self.should_exit.is_set()

    def handle_int(self) -> None:
        """Stop because of Ctrl-C."""
        self.was_interrupted = True
        super().handle_int()

    def handle_term(self) -> None:
        """Stop because of SIGTERM."""
        self.was_ended = True
        super().handle_term()

    def keep_subprocess_alive(self) -> None:
        """Start a worker for each that has ended or hangs."""
        before = [*self.processes]
        super().keep_subprocess_alive()
        for worker in before:
            if worker not in self.processes:
                _log.warning("a worker was replaced", exit_code=worker.exitcode)


@contextlib.contextmanager
def _ending_with_database(
    wait_for_end: Callable[[], None] | None, is_ending: Callable[[], bool]
) -> Iterator[None]:
    """Stop this process when the database ends first; raises UnavailableError then.

    Whoever ends all processes at once, as systemd does, means no failure: *is_ending*
    tells that this one was told to end too.
    """
    is_over, is_lost = threading.Event(), threading.Event()

    def watch(wait: Callable[[], None]) -> None:
        wait()
        if not (is_over.is_set() or is_ending()):
            is_lost.set()
            os.kill(os.getpid(), signal.SIGTERM)  # requests and streams end in order

    if wait_for_end is not None:
        threading.Thread(target=watch, args=(wait_for_end,), daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        if is_lost.is_set():
            raise UnavailableError("The server ends: its database has ended by itself.")


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _follow(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
