"""The file of cases that `eval` and `optimize` take."""

from pathlib import Path

from promptvault.cli import terminal
from promptvault.cli.values import read_file
from promptvault.services.evaluation.case import Suite, parse_suite


def read_suite(cases: str) -> Suite:
    """Return the cases in a file, '-' for stdin; raises InvalidInputError."""
    if cases == "-":
        return parse_suite(terminal.read_stdin(), "stdin", Path())
    path = Path(cases)
    return parse_suite(read_file(path), path.name, path.parent)
