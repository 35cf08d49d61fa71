"""Runs libFuzzer over one source, in a process of its own."""

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import atheris

with (
    contextlib.redirect_stderr(io.StringIO()),  # a line for each module
    atheris.instrument_imports(include=["promptvault.importers"]),
):
    from tests.fuzz.check import check  # which imports every importer

from tests.fuzz import corpus
from tests.fuzz.mutator import mutate


def run(source: str, flags: Sequence[str], folder: Path) -> tuple[int, str]:
    """Fuzz *source*; return libFuzzer's exit code, 0 if nothing was found, and words.

    What it writes goes to *folder*. The process is forked, because libFuzzer ends it,
    and because it takes seconds to import the instrumented importers.
    """
    said = folder / "said"
    child = os.fork()
    if not child:
        _fuzz(source, flags, said)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.read_text(errors="replace")


def _fuzz(source: str, flags: Sequence[str], said: Path) -> NoReturn:
    try:
        output = os.open(said, os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["TMPDIR"] = str(said.parent)
        names = corpus.names(source)

        def try_one(data: bytes) -> None:
            if data:
                check(data, source, names)

        def mutator(data: bytes, limit: int, seed: int) -> bytes:
            return mutate(data, limit, seed, atheris.Mutate)

        atheris.Setup([source, *flags], try_one, custom_mutator=mutator)
        atheris.Fuzz()
    finally:
        os._exit(1)  # Fuzz has ended the process, unless something went wrong
