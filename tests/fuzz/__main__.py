"""Fuzzes importers, one on each processor: ``python -m tests.fuzz --help``."""

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

if not find_spec("atheris"):
    sys.exit("There is no atheris here: pip install -e '.[fuzz]', on Linux, x86-64.")

from tests.fuzz import harness  # before all else, because it instruments the importers

from promptvault.importers.registry import source_names  # isort: skip
from tests.fuzz import corpus  # isort: skip

_MEBIBYTES = 400
"""Of the whole process: Python, atheris and the corpus are 150 of it."""
_HANG = 30
"""Seconds by the clock; what takes 2 seconds of processor time fails before."""


def main() -> int:
    """Fuzz the sources asked for; return 1 where one failed, 0 otherwise."""
    options = _options()
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        passed = pool.map(partial(_fuzzed, options=options), options.source)
        results = zip(options.source, passed, strict=True)
        failed = [source for source, is_good in results if not is_good]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    known = source_names()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("source", nargs="*", help=f"of {', '.join(known)}; or all")
    parser.add_argument("--seconds", type=int, default=60, help="for each source")
    parser.add_argument(
        "--samples", type=Path, help="folder of more files to begin with"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    parser.add_argument("--seed", type=int, default=0, help="0 for another each time")
    options = parser.parse_args()
    if unknown := set(options.source) - set(known):
        parser.error(f"no such source: {', '.join(sorted(unknown))}")
    options.source = options.source or known
    return options


def _fuzzed(source: str, options: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "corpus")
        seeds.mkdir()
        number = corpus.write(source, seeds, options.samples)
        keep = options.keep or Path(tempfile.gettempdir(), "promptvault-fuzz")
        keep.mkdir(parents=True, exist_ok=True)
        flags = {
            "max_total_time": options.seconds,
            "max_len": corpus.LARGEST,
            "timeout": _HANG,
            "rss_limit_mb": _MEBIBYTES,
            "artifact_prefix": f"{keep}/{source}-",
            "seed": options.seed,
            "verbosity": 0,
            "print_final_stats": 1,
        }
        wanted = [str(seeds), *(f"-{name}={value}" for name, value in flags.items())]
        code, said = harness.run(source, wanted, Path(folder))
    runs = _count(said)
    print(f"{source}: {number} seeds, {runs:,} runs", flush=True)
    is_good = code == 0 and runs > number
    if not is_good:
        print(said, file=sys.stderr)
    return is_good


def _count(said: str) -> int:
    _, _, rest = said.partition("stat::number_of_executed_units:")
    return int((rest.split() or ["0"])[0])


if __name__ == "__main__":
    sys.exit(main())
