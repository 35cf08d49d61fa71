"""The connections of one worker: their limits, deadlines, and which yields to a new
one."""

from collections import Counter, defaultdict
from enum import Enum, auto
from typing import NamedTuple, Protocol


class ConnectionLimits(NamedTuple):
    """How many connections there may be, and how long each may wait."""

    total: int
    """The most connections of this worker."""
    per_address: int | None
    """The most of them from one address; None if all come through a proxy."""
    head_seconds: float
    """How long a connection may be idle, or take to send a request's head."""
    body_seconds: float
    """How long a client may take to send a body, or to receive a part of an answer."""


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """The head of a request, or the rest of it."""
    BODY = auto()
    """The rest of a request's body."""
    ANSWER = auto()
    """The answer of the application."""


class Tracked(Protocol):
    """A connection that a `ConnectionTracker` counts."""

    @property
    def network(self) -> str:
        """The client's address, or the network that counts as one client."""

    def drop(self) -> None:
        """Close at once and discard data that is not sent yet."""


class ConnectionTracker:
    """The connections of one worker, by what each waits for.

    Each dict is in the order in which its connections began to wait. The first one is
    the first to be late or to yield, so no search is needed.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._phases: dict[Tracked, Phase] = {}
        self._per_network: Counter[str] = Counter()
        self._since: dict[Phase, dict[Tracked, float]] = {each: {} for each in Phase}
        self._without_request: dict[str, dict[Tracked, None]] = defaultdict(dict)
        self._stalled: dict[Tracked, float] = {}

    def __len__(self) -> int:
        return len(self._phases)

    def admit(self, connection: Tracked, now: float) -> bool:
        """Count a new connection; return False if it must be refused.

        If a limit is reached, the connection that waits longest for a request yields:
        among those of the same address, or among all. Connections without a complete
        request therefore keep no client out; only requests being answered do.
        """
        most = self.limits.per_address
        if most is not None and self._per_network[connection.network] >= most:
            has_room = self._evict(self._without_request.get(connection.network, {}))
        else:
            has_room = len(self) < self.limits.total or self._evict(
                self._since[Phase.HEAD]
            )
        if has_room:
            self._per_network[connection.network] += 1
            self._enter(connection, Phase.HEAD, now)
        return has_room

    def note(self, connection: Tracked, phase: Phase, now: float) -> None:
        """Note that *connection* waits for *phase*, since *now* or since before."""
        before = self._phases.get(connection)
        if before is not None and before is not phase:
            self._exit(connection, before)
            self._enter(connection, phase, now)

    def note_stalled(self, connection: Tracked, now: float) -> None:
        """Note that the client does not receive what it is sent."""
        self._stalled.setdefault(connection, now)

    def note_flowing(self, connection: Tracked) -> None:
        """Note that the client receives again."""
        self._stalled.pop(connection, None)

    def leave(self, connection: Tracked) -> None:
        """Forget a connection; does nothing if it is not counted."""
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
        """Close each connection whose deadline has passed."""
        head, body = self.limits.head_seconds, self.limits.body_seconds
        self._drop_before(self._since[Phase.HEAD], now - head)
        self._drop_before(self._since[Phase.BODY], now - body)
        self._drop_before(self._stalled, now - body)

    def _drop_before(self, waiting: dict[Tracked, float], moment: float) -> None:
        while waiting:
            connection, since = next(iter(waiting.items()))
            if since > moment:
                return
            self.leave(connection)
            connection.drop()

    def _evict(self, candidates: dict[Tracked, float] | dict[Tracked, None]) -> bool:
        oldest = next(iter(candidates), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.drop()
        return True

    def _enter(self, connection: Tracked, phase: Phase, now: float) -> None:
        self._phases[connection] = phase
        self._since[phase][connection] = now
        if phase is Phase.HEAD:
            self._without_request[connection.network][connection] = None

    def _exit(self, connection: Tracked, phase: Phase) -> None:
        del self._since[phase][connection]
        if phase is Phase.HEAD:
            idle = self._without_request[connection.network]
            del idle[connection]
            if not idle:
                del self._without_request[connection.network]
