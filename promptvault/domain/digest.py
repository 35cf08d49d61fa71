"""The digest that identifies a text; texts that differ in white space share it."""

import hashlib
import unicodedata


def normalise(body: str) -> str:
    """Return *body* without the differences that an export may introduce.

    Unicode is composed (NFC), line ends become ``\\n``, white space at line ends
    and around the whole is dropped.
    """
    text = body if body.isascii() else unicodedata.normalize("NFC", body)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def digest(body: str) -> bytes:
    """Return the 16-byte digest of the normalised *body* (BLAKE2b)."""
    return hashlib.blake2b(normalise(body).encode(), digest_size=16).digest()
