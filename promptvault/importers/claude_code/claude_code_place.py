"""Where the records of a Claude Code session stand: after which turn of the person."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_RECENT = 1 << 15
"""How many records are kept by name; each of those before costs only 12 bytes."""


class Places:
    """Maps the uuid of each record to a number, in little memory.

    A session may hold millions of records, nearly all of them answers and tool
    results, and any of them may turn out to be what a later prompt follows.
    """

    def __init__(self, recent: int = _RECENT) -> None:
        self._limit = recent
        self._recent: dict[bytes, int] = {}
        self._packed: list[tuple[array[int], array[int]]] = []

    def put(self, uuid: bytes, place: int) -> None:
        """Note the place of *uuid*, also where another was noted lately."""
        self._recent[uuid] = place

    def put_new(self, uuid: bytes, place: int) -> None:
        """Note the place of *uuid*, where none was: files repeat their records."""
        recent = self._recent
        recent.setdefault(uuid, place)
        if len(recent) >= self._limit:
            self._pack()

    def put_all(self, uuids: Iterable[bytes], place: int) -> None:
        """Note one place of many, as `put_new` does."""
        recent = self._recent
        for uuid in uuids:
            recent.setdefault(uuid, place)
        if len(recent) >= self._limit:
            self._pack()

    def find(self, uuid: bytes) -> int | None:
        """Return the first place noted for *uuid*, None where there is none."""
        key = hash(uuid)
        for keys, places in self._packed:
            at = bisect_left(keys, key)
            if at < len(keys) and keys[at] == key:
                return places[at]
        return self._recent.get(uuid)

    def _pack(self) -> None:
        by_key = {hash(uuid): place for uuid, place in self._recent.items()}
        keys = array("q", sorted(by_key))
        self._packed.append((keys, array("i", map(by_key.__getitem__, keys))))
        self._recent.clear()
