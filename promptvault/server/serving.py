"""Running the server: one socket, one or more workers, and a call when it answers."""

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
_WORKER_SECONDS = 60
"""A worker that takes longer to start, or to answer its supervisor, is replaced. On a
busy machine the imports alone take longer than uvicorn's default of 5."""

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
    """Serve until SIGTERM or Ctrl-C, and call *announce* once the server answers.

    *wait_for_end* returns when the database has ended; then the server stops. Raises
    UnavailableError in that case, if the port is taken, or if the app does not start.
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
    """Return uvicorn's configuration for *app*: without logs, with a graceful stop."""
    return uvicorn.Config(
        app,
        factory=True,
        http=TrackedProtocol,
        workers=workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `http.address` reads them
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_worker_healthcheck=_WORKER_SECONDS,
    )


def worker_app(settings: Settings, names: frozenset[str]) -> FastAPI:
    """Return the app of a worker. The worker ends when its parent process does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    app = create_app(settings, names)
    # Loaded modules stay in memory. A full collection that walks them stops all
    # requests for a tenth of a second, several times a minute; freeze() excludes them.
    # A request makes thousands of objects, and most are freed before it ends, so the
    # thresholds are higher than the defaults.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free port.

    Raises UnavailableError if the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or "the name is not known"
        raise UnavailableError(f"Cannot listen on {host}:{port}: {reason}.") from None
    listener.set_inheritable(True)
    # Connections inherit it. asyncio sets it only on sockets with an explicit protocol.
    # Without it, the body of an answer waits 40 ms for the acknowledgement of its head.
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
    # uvicorn stops at SIGTERM, and then raises it again for the handler set here.
    signal.signal(signal.SIGTERM, _end)
    server = uvicorn.Server(config)
    with _ending_with_database(wait_for_end, lambda: server.should_exit):
        server.run(sockets=[listener])
    if not server.started:
        raise UnavailableError("The server does not start; its log says why.")


def _run_many(
    config: uvicorn.Config,
    listener: socket.socket,
    wait_for_end: Callable[[], None] | None,
) -> None:
    logs.configure()  # workers do it themselves
    with metrics.shared():
        supervisor = _Supervisor(config, sockets=[listener])
        with _ending_with_database(wait_for_end, supervisor.is_ending):
            supervisor.run()
    if supervisor.was_interrupted:
        raise KeyboardInterrupt
    if not supervisor.was_terminated:
        raise UnavailableError("The server does not start; its log says why.")


class _Supervisor(Multiprocess):
    """Records why it stops, and logs workers that are replaced."""

    was_interrupted = was_terminated = False

    def is_ending(self) -> bool:
        """Return True if it must stop; a received signal is handled only later."""
        received = {signal.SIGINT, signal.SIGTERM}.intersection(self.signal_queue)
        return bool(received) or self.should_exit.is_set()

    def handle_int(self) -> None:
        """Stop because of Ctrl-C."""
        self.was_interrupted = True
        super().handle_int()

    def handle_term(self) -> None:
        """Stop because of SIGTERM."""
        self.was_terminated = True
        super().handle_term()

    def init_processes(self) -> None:
        """Start the workers."""
        super().init_processes()
        self._leave_pipes_to_workers()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have ended or hang."""
        before = [*self.processes]
        super().keep_subprocess_alive()
        self._leave_pipes_to_workers()
        for worker in before:
            if worker not in self.processes:
                _log.warning("a worker was replaced", exit_code=worker.exitcode)

    def _leave_pipes_to_workers(self) -> None:
        """Close this process's copy of each worker's end of its pipe.

        Otherwise a worker that ends while it is asked whether it lives, leaves a pipe
        that is still open, and the supervisor waits for its answer until the timeout.
        """
        for worker in self.processes:
            worker.child_conn.close()


@contextlib.contextmanager
def _ending_with_database(
    wait_for_end: Callable[[], None] | None, is_ending: Callable[[], bool]
) -> Iterator[None]:
    """Stop this process if the database ends first, and raise UnavailableError then.

    It is no failure if all processes are stopped at once, as systemd does. *is_ending*
    returns True if this process is being stopped as well.
    """
    is_over, is_lost = threading.Event(), threading.Event()

    def watch(wait: Callable[[], None]) -> None:
        wait()
        if not (is_over.is_set() or is_ending()):
            is_lost.set()
            os.kill(os.getpid(), signal.SIGTERM)  # a graceful stop

    if wait_for_end is not None:
        threading.Thread(target=watch, args=(wait_for_end,), daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        if is_lost.is_set():
            raise UnavailableError("The server stops: its database has ended.")


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
