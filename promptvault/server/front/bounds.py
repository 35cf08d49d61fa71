"""Which connections one worker holds, and which of them yield to new ones."""

from collections import Counter, defaultdict
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Bounds(NamedTuple):
    """How many connections there may be, and how long each may take."""

    total: int
    """The most connections of this worker."""
    per_address: int | None
    """The most of them from one address; None if all come through a proxy."""
    head_seconds: float
    """How long a connection may be without a request: idle, or with half of a head."""
    body_seconds: float
    """How long a request's body may take, and an answer that is not taken."""


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """The rest of a request's head, or its first byte."""
    BODY = auto()
    """The rest of a request's body."""
    ANSWER = auto()
    """What the application says."""


class Bounded(Protocol):
    """A connection that is counted."""

    @property
    def network(self) -> str:
        """The address of the other end, or the network that counts as one."""

    def drop(self) -> None:
        """Close at once; what was not sent is lost."""


class Connections:
    """The connections of one worker, by what each waits for.

    Each dict is in the order in which its connections began to wait: the first is the
    one that is late, or that yields, and finding it takes no search.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._phases: dict[Bounded, Phase] = {}
        self._per_network: Counter[str] = Counter()
        self._since: dict[Phase, dict[Bounded, float]] = {each: {} for each in Phase}
        self._without_request: dict[str, dict[Bounded, None]] = defaultdict(dict)
        self._stalled: dict[Bounded, float] = {}

    def __len__(self) -> int:
        return len(self._phases)

    def admit(self, connection: Bounded, now: float) -> bool:
        """Count a new connection; False if it is to be refused.

        Above a bound, the connection that has been without a request for longest
        yields: the oldest of the same address, or of all. So half-sent requests keep
        nobody out; only requests that are being answered do.
        """
        most = self.bounds.per_address
        if most is not None and self._per_network[connection.network] >= most:
            has_room = self._evict(self._without_request.get(connection.network, {}))
        else:
            has_room = len(self) < self.bounds.total or self._evict(
                self._since[Phase.HEAD]
            )
        if has_room:
            self._per_network[connection.network] += 1
            self._enter(connection, Phase.HEAD, now)
        return has_room

    def note(self, connection: Bounded, phase: Phase, now: float) -> None:
        """Note what *connection* waits for: from *now* on, unless it already did."""
        before = self._phases.get(connection)
        if before is not None and before is not phase:
            self._exit(connection, before)
            self._enter(connection, phase, now)

    def note_stalled(self, connection: Bounded, now: float) -> None:
        """Note that the other end does not take what it is sent."""
        self._stalled.setdefault(connection, now)

    def note_flowing(self, connection: Bounded) -> None:
        """Note that it takes it."""
        self._stalled.pop(connection, None)

    def leave(self, connection: Bounded) -> None:
        """Forget a connection; nothing happens if it was not counted."""
        self._stalled.pop(connection, None)
        phase = self._phases.get(connection)
        if phase is None:
            return
        self._exit(connection, phase)
        del self._phases[connection]
        self._per_network[connection.network] -= 1
        if not self._per_network[connection.network]:
            del self._per_network[connection.network]

    def drop_late(self, now: float) -> None:
        """Close every connection whose deadline has passed."""
        head, body = self.bounds.head_seconds, self.bounds.body_seconds
        self._drop_before(self._since[Phase.HEAD], now - head)
        self._drop_before(self._since[Phase.BODY], now - body)
        self._drop_before(self._stalled, now - body)

    def _drop_before(self, waiting: dict[Bounded, float], moment: float) -> None:
        while waiting:
            connection, since = next(iter(waiting.items()))
            if since > moment:
                return
            self.leave(connection)
            connection.drop()

    def _evict(self, candidates: dict[Bounded, float] | dict[Bounded, None]) -> bool:
        oldest = next(iter(candidates), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.drop()
        return True

    def _enter(self, connection: Bounded, phase: Phase, now: float) -> None:
        self._phases[connection] = phase
        self._since[phase][connection] = now
        if phase is Phase.HEAD:
            self._without_request[connection.network][connection] = None

    def _exit(self, connection: Bounded, phase: Phase) -> None:
        del self._since[phase][connection]
        if phase is Phase.HEAD:
            idle = self._without_request[connection.network]
            del idle[connection]
            if not idle:
                del self._without_request[connection.network]
