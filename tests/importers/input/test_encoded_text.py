"""Text files: any encoding, any line end, and not too large."""

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.input import encoded_text
from tests.importers.build import document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, line_end: str) -> None:
    file = document(f"one é{line_end}two".encode(encoding))
    assert (
        encoded_text.whole_text(file) == encoded_text.text_start(file) == "one é\ntwo"
    )


def test_text_of_a_windows_program() -> None:
    assert encoded_text.whole_text(document("one é".encode("cp1252"))) == "one é"
    assert encoded_text.whole_text(document("one é\n".encode())) == "one é\n"


def test_file_that_is_cut_off_within_a_letter() -> None:
    assert encoded_text.whole_text(document("one é".encode()[:-1])) == "one \ufffd"
    assert encoded_text.whole_text(document("one …".encode()[:-1])) == "one \ufffd"


def test_what_is_no_text_is_marked() -> None:
    assert encoded_text.whole_text(document("é".encode() + b" \xff")) == "é \ufffd"


def test_large_file_is_refused() -> None:
    file = document(b"x" * ((1 << 20) + 1))
    with pytest.raises(ImportSourceError, match="larger than 1 MiB"):
        encoded_text.whole_text(file, 1 << 20)
