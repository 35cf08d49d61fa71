"""The sessions of one Claude Code file: the turns of the person, and their order."""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.digest import digest
from promptvault.importers.conversation import tree
from promptvault.importers.conversation.command import is_command
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import (
    Conversation,
    Draft,
    conversation_candidates,
)

_CUT = 60
"""The client does not shorten prompts of fewer characters."""
_QUEUED = 1000
"""Most prompts that wait at a time; if there are more, the first was sent."""
_SOON = 20
"""Number of later turns in which a queued prompt is looked for as a part."""
_RECENT = 1 << 15
"""Number of records kept by uuid; an older one takes only 12 bytes."""
START = -1
"""Index of the turn before the first one."""


@dataclass(slots=True)
class Turn:
    """A prompt, or something else that a person did, such as a command."""

    session: str
    parent: int
    """Index of the turn before it, START if it is the first."""
    body: str | None
    made: datetime | None = None
    message: str | None = None
    home: str | None = None
    """The session in which it was typed, if this is a copy."""
    model: str | None = None
    is_command: bool = False


@dataclass(frozen=True, slots=True)
class QueuedPrompt:
    """A prompt typed while the agent worked, from the log of the queue."""

    body: str
    made: datetime | None
    session: str
    tip: int
    turns: int
    """Number of turns at that time."""


class SessionBuilder:
    """Builds the sessions of a file from its records, which must come in order.

    A record that is not a person's belongs to the turn that was last when it was
    written. A prompt whose parent is a record from before the last turn was therefore
    sent after going back, and the turns since are abandoned. Parallel tool calls do not
    look like that.
    """

    def __init__(self) -> None:
        self.turn_index = TurnIndex()
        self.turns: list[Turn] = []
        self.tips: dict[str, int] = {}
        self.skipped: dict[str, Counter[str]] = defaultdict(Counter)
        self._uuids: set[str] = set()
        self._times: dict[tuple[str, datetime], str] = {}
        self._leaves: dict[str, str] = {}
        self._titles: dict[str, dict[str, str]] = defaultdict(dict)
        self._summaries: list[tuple[str, str]] = []
        self._queues: dict[str, list[QueuedPrompt]] = defaultdict(list)
        self._sent: list[QueuedPrompt] = []

    def tip(self, session: str) -> int:
        """Return the last turn of *session*, START if it has none."""
        return self.tips.get(session, START)

    def add(self, turn: Turn, uuid: str | None) -> bool:
        """Add a turn with the *uuid* of its record; return False for a repetition.

        A resumed session repeats records unchanged; a compacted one repeats them with
        new ids and the old times.
        """
        if (uuid and uuid in self._uuids) or self._is_replay(turn):
            return False
        place = len(self.turns)
        self.turns.append(turn)
        self.tips[turn.session] = place
        self._leaves.pop(turn.session, None)
        if uuid:
            self._uuids.add(uuid)
            self.turn_index.replace(uuid.encode(errors="replace"), place)
        return True

    def _is_replay(self, turn: Turn) -> bool:
        if turn.made is None or turn.body is None:
            return False
        key = (turn.session, turn.made)
        before = self._times.get(key)
        self._times[key] = turn.body
        return before == turn.body

    def set_title(self, session: str, kind: str, title: str) -> None:
        """Set a title of *session*; the last one of a kind counts."""
        self._titles[session][kind] = title

    def add_summary(self, leaf: str, title: str) -> None:
        """Set the title of the session that contains the record *leaf*."""
        self._summaries.append((leaf, title))

    def set_end(self, session: str, leaf: str, said: str | None) -> None:
        """Set the end of *session* to the record *leaf*, until a turn is added.

        *said* is the last prompt as the client shows it. If it is the last turn, the
        session ends there, as *leaf* may be the record just before.
        """
        tip = self.tip(session)
        body = self.turns[tip].body if tip != START else None
        if said and body and _is_shown_as(body, said):
            self._leaves.pop(session, None)
        else:
            self._leaves[session] = leaf

    def enqueue(self, session: str, body: str, made: datetime | None) -> None:
        """Add a prompt that waits for the agent; '' is something else."""
        tip = self.tip(session)
        queue = self._queues[session]
        queue.append(QueuedPrompt(body, made, session, tip, len(self.turns)))
        if len(queue) > _QUEUED:
            self._sent.append(queue.pop(0))

    def dequeue(
        self, session: str, body: str | None, made: datetime | None, *, sent: bool
    ) -> None:
        """Remove the prompt *body*, or the first one, from the queue."""
        queue = self._queues[session]
        if body is not None and all(each.body != body for each in queue):
            self.enqueue(session, body, made)
        for each in queue:
            if body is None or each.body == body:
                queue.remove(each)
                if sent:
                    self._sent.append(each)
                return

    def clear_queue(self, session: str) -> None:
        """Empty the queue: its prompts went back to be edited."""
        self._queues.pop(session, None)

    def conversations(self) -> Iterator[Conversation]:
        """Yield the sessions in the order in which they began."""
        self._apply_leaves()
        self._insert_queued()
        self._apply_summaries()
        members: dict[str, list[int]] = {session: [] for session in self.skipped}
        for place, turn in enumerate(self.turns):
            members.setdefault(turn.session, []).append(place)
        for session, places in members.items():
            yield self._conversation(session, places)

    def _apply_leaves(self) -> None:
        for session, leaf in self._leaves.items():
            place = self.turn_index.turn_of(leaf.encode(errors="replace"))
            if place is not None and session in self.tips:
                self.tips[session] = place

    def _insert_queued(self) -> None:
        """Make turns of queued prompts that are in no other record."""
        waiting = [*self._sent, *(w for queue in self._queues.values() for w in queue)]
        bodies = {(turn.session, digest(turn.body)) for turn in self.turns if turn.body}
        kept = []
        for each in sorted(waiting, key=lambda each: each.turns):
            key = (each.session, digest(each.body))
            if each.body and key not in bodies and not self._is_part(each):
                bodies.add(key)
                kept.append(each)
        followers = self._followers()
        for each in reversed(kept):
            self._insert(each, followers[each.session, each.tip])

    def _followers(self) -> dict[tuple[str, int], list[int]]:
        """Return the indexes of the turns after each turn of each session."""
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        for place, turn in enumerate(self.turns):
            found[turn.session, turn.parent].append(place)
        return found

    def _is_part(self, waiting: QueuedPrompt) -> bool:
        """Return True if a prompt was sent together with other queued ones."""
        return any(
            turn.session == waiting.session and turn.body and waiting.body in turn.body
            for turn in self.turns[waiting.turns : waiting.turns + _SOON]
        )

    def _insert(self, waiting: QueuedPrompt, followers: list[int]) -> None:
        """Insert a prompt between the turn it came after and the later ones."""
        place = len(self.turns)
        session, tip = waiting.session, waiting.tip
        while followers and followers[-1] >= waiting.turns:
            self.turns[followers.pop()].parent = place
        followers.append(place)
        if self.tip(session) == tip:
            self.tips[session] = place
        turn = Turn(session, tip, waiting.body, waiting.made)
        turn.is_command = is_command(waiting.body)
        self.turns.append(turn)

    def _apply_summaries(self) -> None:
        for leaf, title in self._summaries:
            place = self.turn_index.turn_of(leaf.encode(errors="replace"))
            if place is not None and 0 <= place < len(self.turns):
                self.set_title(self.turns[place].session, "summary", title)

    def _conversation(self, session: str, places: list[int]) -> Conversation:
        turns = {str(place): self.turns[place] for place in places}
        nodes = {key: _node(turn) for key, turn in turns.items()}
        leaf = str(self.tip(session))
        found, elsewhere = tree.human_turns(nodes, leaf)
        homes = {turn.message: turn.home for turn in turns.values() if turn.home}
        titles = self._titles[session]
        kinds = filter(None, map(titles.get, ("custom", "ai", "summary")))
        title = next(kinds, None)
        begins = self._begins(nodes, leaf)
        candidates = (
            each._replace(
                opening=begins and each.opening,
                conversation_id=homes.get(each.drafts[0].message_id) or session or None,
            )
            for each in conversation_candidates(found, None, title)
        )
        skipped = Counter(self.skipped.get(session, {}))
        skipped["abandoned branch"] += elsewhere
        return Conversation(tuple(candidates), dict(+skipped))

    def _begins(self, nodes: dict[str, Node], leaf: str) -> bool:
        """Return True if the path to *leaf* begins here, not in another session."""
        path = tree.path_to(nodes, leaf)
        return not path or nodes[path[0]].parent == str(START)


class TurnIndex:
    """Maps the uuid of each record to a turn, in little memory.

    A session may hold millions of records. Nearly all are answers and tool results,
    but a later prompt may follow any of them.
    """

    def __init__(self, recent: int = _RECENT) -> None:
        """Keep *recent* records by uuid, older ones by the hash of the uuid."""
        self._limit = recent
        self._recent: dict[bytes, int] = {}
        self._packed: list[tuple[array[int], array[int]]] = []

    def replace(self, uuid: bytes, turn: int) -> None:
        """Set the turn of *uuid*, even if a recent record set another one."""
        self._recent[uuid] = turn

    def add(self, uuid: bytes, turn: int) -> None:
        """Set the turn of *uuid* unless it has one: files repeat their records."""
        recent = self._recent
        recent.setdefault(uuid, turn)
        if len(recent) >= self._limit:
            self._pack()

    def add_all(self, uuids: Iterable[bytes], turn: int) -> None:
        """Set the turn of each of *uuids* that has none."""
        recent = self._recent
        for uuid in uuids:
            recent.setdefault(uuid, turn)
        if len(recent) >= self._limit:
            self._pack()

    def turn_of(self, uuid: bytes) -> int | None:
        """Return the first turn set for *uuid*, None if there is none."""
        key = hash(uuid)
        for keys, turns in self._packed:
            at = bisect_left(keys, key)
            if at < len(keys) and keys[at] == key:
                return turns[at]
        return self._recent.get(uuid)

    def _pack(self) -> None:
        by_key = {hash(uuid): turn for uuid, turn in self._recent.items()}
        keys = array("q", sorted(by_key))
        self._packed.append((keys, array("i", map(by_key.__getitem__, keys))))
        self._recent.clear()


def _is_shown_as(body: str, said: str) -> bool:
    """Return True if *said* is *body* on one line, shortened if it is long."""
    whole, shown = " ".join(body.split()), " ".join(said.split())
    is_cut = len(shown) >= _CUT or shown.endswith(("…", "..."))
    return whole.startswith(shown.rstrip(".… ")) if is_cut else whole == shown


def _node(turn: Turn) -> Node:
    draft = None
    if turn.body:
        draft = Draft(
            turn.body,
            turn.made,
            turn.message,
            turn.model,
            is_command=turn.is_command,
        )
    return Node(str(turn.parent), turn.made, draft)
