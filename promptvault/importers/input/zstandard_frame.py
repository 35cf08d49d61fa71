"""Decompresses what other programs have stored with Zstandard."""

_LARGEST = 64 << 20


def decompressed(data: bytes) -> bytes:
    """Return the content of *data*.

    Raises ValueError if it is damaged, or larger than 64 MiB: a few bytes can hold
    gigabytes.
    """
    # 5 ms, for files that hardly anybody imports
    import zstandard

    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST).stream_reader(
            data
        )
        found = reader.read(_LARGEST + 1)
    except zstandard.ZstdError as error:
        raise ValueError("its compression is damaged") from error
    if len(found) > _LARGEST:
        raise ValueError("it is larger than 64 MiB")
    return found
