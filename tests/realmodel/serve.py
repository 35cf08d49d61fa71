"""llama.cpp's own server, as a process; prints its address."""

import signal
import sys

import xllamacpp

from tests.realmodel.weights import CONTEXT


def serve(weights: str) -> None:
    """Serve until the process is ended."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    serve(sys.argv[1])
