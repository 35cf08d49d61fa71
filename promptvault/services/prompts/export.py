"""`export`: prompts as Markdown, JSON, JSON Lines or CSV."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from promptvault import front_matter
from promptvault.domain.prompt import PromptRecord
from promptvault.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from promptvault.vault.reader import Reader, Selection


class ExportFormat(StrEnum):
    """The format of an export."""

    MARKDOWN = "markdown"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


Row = dict[str, Any]
ToRow = Callable[[PromptRecord], Row]
Write = Callable[[str], object]

_CSV_COLUMNS = ("name", "title", "description", "tags", "template", "source")
_CSV_TIMES = ("created_at", "updated_at")
_SUFFIXES = {
    ".json": ExportFormat.JSON,
    ".jsonl": ExportFormat.JSONL,
    ".csv": ExportFormat.CSV,
    ".md": ExportFormat.MARKDOWN,
}
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1")


def is_stdout(path: str) -> bool:
    """Return True if *path* is the standard output."""
    return path in _STDOUT


def is_stream(path: Path) -> bool:
    """Return True if *path* is a pipe or a device, which is never replaced."""
    return path.exists() and not (path.is_file() or path.is_dir())


def is_folder(path: str, form: ExportFormat) -> bool:
    """Return True if the export writes a folder: Markdown, unless into one file."""
    ends = Path(path).suffix.lower() == ".md" and not Path(path).is_dir()
    return form is ExportFormat.MARKDOWN and not (ends or is_stream(Path(path)))


def format_for(path: str) -> ExportFormat:
    """Return the format for *path*, by its suffix or by the kind of file.

    Raises InvalidInputError for an unknown suffix.
    """
    suffix = "" if path.endswith("/") else Path(path).suffix.lower()
    if suffix in _SUFFIXES and not Path(path).is_dir():
        return _SUFFIXES[suffix]
    if is_stdout(path) or is_stream(Path(path)):
        return ExportFormat.JSON
    if suffix and not Path(path).is_dir():
        raise InvalidInputError(
            f"{path} ends with none of {', '.join(_SUFFIXES)}: choose one of these,"
            " --format markdown|json|jsonl|csv, or a folder (with '/' at its end) for"
            " Markdown."
        )
    return ExportFormat.MARKDOWN


def read_records(reader: Reader, selection: Selection) -> Iterator[PromptRecord]:
    """Yield the selected prompts with all versions."""
    for prompt in reader.prompts(selection):
        yield reader.record(prompt)


def no_prompts() -> NotFoundError:
    """Return the error for a selection that nothing fits."""
    return NotFoundError("There are no such prompts to export.")


def write_records(
    found: Iterable[PromptRecord], form: ExportFormat, to_row: ToRow, out: Write
) -> int:
    """Write prompts as one document, piece by piece, and return their number.

    Raises InvalidInputError if there is more than one for a Markdown file.
    """
    match form:
        case ExportFormat.MARKDOWN:
            return _write_one_markdown(found, out)
        case ExportFormat.CSV:
            return _write_csv(found, to_row, out)
        case ExportFormat.JSONL:
            return _write_rows(found, to_row, out, ("", "\n", "\n"))
        case ExportFormat.JSON:
            return _write_rows(found, to_row, out, ("[\n", ",\n", "\n]\n"))


def _write_rows(
    found: Iterable[PromptRecord],
    to_row: ToRow,
    out: Write,
    marks: tuple[str, str, str],
) -> int:
    start, between, end = marks
    count = 0
    for record in found:
        out(between if count else start)
        count += 1
        out(json.dumps(to_row(record), ensure_ascii=False))
    out(end)
    return count


def _write_csv(found: Iterable[PromptRecord], to_row: ToRow, out: Write) -> int:
    buffer = io.StringIO()
    rows = csv.writer(buffer)
    rows.writerow([*_CSV_COLUMNS, "body", *_CSV_TIMES])
    count = 0
    for record in found:
        count += 1
        row = to_row(record)
        row["tags"] = " ".join(row["tags"])
        rows.writerow([row[key] for key in (*_CSV_COLUMNS, "body", *_CSV_TIMES)])
        out(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()
    return count


def _write_one_markdown(found: Iterable[PromptRecord], out: Write) -> int:
    one = list(found)
    if len(one) > 1:
        raise InvalidInputError(
            "Markdown is one file a prompt: give a folder, or name one prompt."
        )
    out(to_markdown(one[0]))
    return 1


def to_markdown(record: PromptRecord) -> str:
    """Return a prompt as a Markdown file, in the same format as in the history."""
    head = front_matter.header(record.prompt, record.current, record.origins)
    return head + record.current.body


def write_folders(
    folders: Mapping[Path, Reader], selection: Selection, *, force: bool = False
) -> int:
    """Write a Markdown file for each prompt of each vault, and return their number.

    *folders* has the vaults by the folders for their prompts.

    Raises NotFoundError if there are no prompts, AlreadyExistsError if a file exists
    and *force* is False (nothing is written then), and InvalidInputError if the folder
    cannot be written.
    """
    if not force:
        for folder, reader in folders.items():
            for name in reader.names(selection):
                _require_absent(folder / f"{name}.md")
    count = 0
    for folder, reader in folders.items():
        for record in read_records(reader, selection):
            _write_markdown(folder / f"{record.prompt.name}.md", record)
            count += 1
    if not count:
        raise no_prompts()
    return count


def _write_markdown(path: Path, record: PromptRecord) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_markdown(record).encode())
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be written: {reason}.") from error


def _require_absent(path: Path) -> None:
    if path.exists():
        raise AlreadyExistsError(f"{path} exists already; --force overwrites it.")


def write_file(
    found: Iterable[PromptRecord],
    path: Path,
    form: ExportFormat,
    to_row: ToRow,
    *,
    force: bool = False,
) -> int:
    """Write prompts into one file, whole or not at all, and return their number.

    A pipe or a device is written directly. Raises AlreadyExistsError if the file exists
    and *force* is False, and InvalidInputError if it cannot be written.
    """
    if is_stream(path):
        return _write_stream(found, path, form, to_row)
    if not force:
        _require_absent(path)
    path = path.resolve()  # replaces the target of a link, not the link
    fresh = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8", newline="") as file:
            count = write_records(found, form, to_row, file.write)
        os.replace(fresh, path)
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be written: {reason}.") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return count


def _write_stream(
    found: Iterable[PromptRecord], path: Path, form: ExportFormat, to_row: ToRow
) -> int:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            return write_records(found, form, to_row, file.write)
    except OSError as error:
        reason = error.strerror
        raise InvalidInputError(f"{path} cannot be written: {reason}.") from error
