"""Starting the stand-in on a port of this computer."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

from tests.till.app import Till, create_app


@contextlib.contextmanager
def running(till: Till, port: int = 0) -> Iterator[Till]:
    """Serve a stand-in in a thread, and set its address."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        till.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(till), log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        arguments = {"sockets": [listener]}
        thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield till
        finally:
            server.should_exit = True
            thread.join()
