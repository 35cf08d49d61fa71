"""Zip archives as untrusted input: what may be read of them, and how far."""

import io
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from promptvault.errors import ImportSourceError
from promptvault.importers.candidate import Failure

ENTRY_LIMIT = 100_000
RATIO_LIMIT = 400
"""Deflate reaches 1,032 on one repeated byte; chats stay below 100, mostly 10."""
SAFE_SIZE = 16 << 20
"""Bytes up to which an unpacked member is harmless, however well it was packed."""

_ESCAPES = re.compile(r"^[\\/]|^[A-Za-z]:[\\/]|(^|[\\/])\.\.([\\/]|$)")
