"""Decompression: complete, and never more in memory than the limit allows."""

import gzip

import pytest
import zstandard

from promptvault.wire.decompression import (
    ENCODINGS,
    BodyTooLargeError,
    DamagedBodyError,
    Decompressor,
    decompress,
    decompressor,
)

COMPRESS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
TEXT = b"common\n" * 10_000


def started(encoding: str) -> Decompressor:
    """Return a decompressor for a supported encoding."""
    stream = decompressor(encoding)
    assert stream is not None
    return stream


def test_the_supported_encodings_are_those_of_the_table() -> None:
    assert set(ENCODINGS) == set(COMPRESS)
    assert decompressor("br") is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_little_more_than_the_limit_is_ever_in_memory(encoding: str) -> None:
    whole = COMPRESS[encoding](bytes(300_000_000))
    assert len(started(encoding).decompress(whole, 1000)) <= 40_000_000


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_is_the_same_in_parts_of_any_size(encoding: str, size: int) -> None:
    whole, stream, left = COMPRESS[encoding](TEXT), started(encoding), len(TEXT)
    body = b""
    for start in range(0, len(whole), size):
        assert not stream.eof
        body += decompress(stream, whole[start : start + size], left - len(body))
    assert body == TEXT
    assert stream.eof


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_above_the_limit_is_refused(encoding: str) -> None:
    whole = COMPRESS[encoding](TEXT)
    assert decompress(started(encoding), whole, len(TEXT)) == TEXT
    with pytest.raises(BodyTooLargeError):
        decompress(started(encoding), whole, len(TEXT) - 1)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_damage_and_data_after_the_end_are_noticed(encoding: str) -> None:
    whole = COMPRESS[encoding](TEXT)
    for wrong in (b"plain text", whole + b"x", whole + whole):
        with pytest.raises(DamagedBodyError):
            decompress(started(encoding), wrong, 3 * len(TEXT))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_that_is_cut_off_has_no_end(encoding: str) -> None:
    stream = started(encoding)
    decompress(stream, COMPRESS[encoding](TEXT)[:-1], len(TEXT))
    assert not stream.eof
