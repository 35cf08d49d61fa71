"""Runs libFuzzer over one source: ``python -m tests.fuzz.harness SOURCE [flags]``."""

import sys

import atheris

with atheris.instrument_imports(include=["promptvault.importers"]):
    from tests.fuzz.check import check  # which imports every importer

from tests.fuzz import corpus
from tests.fuzz.mutator import mutate


def main() -> None:
    """Fuzz until libFuzzer ends the process: with 0 when nothing was found."""
    program, source, *flags = sys.argv
    names = corpus.names(source)

    def try_one(data: bytes) -> None:
        if data:
            check(data, source, names)

    def mutator(data: bytes, limit: int, seed: int) -> bytes:
        return mutate(data, limit, seed, atheris.Mutate)

    atheris.Setup([program, *flags], try_one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
