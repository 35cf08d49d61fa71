"""The sessions in one Claude Code file: the turns of the person and how they follow."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from promptvault.domain.digest import digest
from promptvault.importers.claude_code.claude_code_place import Places
from promptvault.importers.conversation import tree
from promptvault.importers.conversation.tree import Node
from promptvault.importers.input.candidate import Candidate, Conversation, Draft

_CUT = 60
"""The client cuts off prompts of no fewer characters."""
_QUEUED = 1000
"""So many prompts wait at a time, at most; one more, and the first was sent."""
_SOON = 20
"""In so many turns after it, a prompt that waited is looked for as part of one."""
START = -1
"""The place before the first turn."""


@dataclass(slots=True)
class Turn:
    """What a person did at one point: a prompt, or something that is none."""

    session: str
    parent: int
    """The turn it follows, START where it is the first."""
    body: str | None
    made: datetime | None = None
    message: str | None = None
    home: str | None = None
    """The session that it was first typed in, if this is a copy of it."""
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prompt typed while the agent was at work, as the queue's log tells it."""

    body: str
    made: datetime | None
    session: str
    tip: int
    turns: int
    """How many turns there were at the time."""


class Sessions:
    """Puts together the sessions of a file; records must come in its order.

    Records that are no turns of the person are told by where they stand: a record
    belongs to the turn that was the last one when it was written. A prompt that
    follows a record from before the last turn is therefore one sent after going
    back, and that turn is abandoned; parallel tool calls do not look like that.
    """

    def __init__(self) -> None:
        self.places = Places()
        self.turns: list[Turn] = []
        self.tips: dict[str, int] = {}
        self.skipped: dict[str, Counter[str]] = defaultdict(Counter)
        self._uuids: set[str] = set()
        self._times: dict[tuple[str, datetime], str] = {}
        self._leaves: dict[str, str] = {}
        self._titles: dict[str, dict[str, str]] = defaultdict(dict)
        self._summaries: list[tuple[str, str]] = []
        self._queues: dict[str, list[Waiting]] = defaultdict(list)
        self._sent: list[Waiting] = []

    def tip(self, session: str) -> int:
        """Return the last turn of *session*, START before there is one."""
        return self.tips.get(session, START)

    def add(self, turn: Turn, uuid: str | None) -> bool:
        """Take a turn and the *uuid* of its record; False if it was there before.

        A resumed session repeats records as they were, a compacted one repeats them
        with new ids and the old times.
        """
        if (uuid and uuid in self._uuids) or self._is_replay(turn):
            return False
        place = len(self.turns)
        self.turns.append(turn)
        self.tips[turn.session] = place
        self._leaves.pop(turn.session, None)
        if uuid:
            self._uuids.add(uuid)
            self.places.put(uuid.encode(errors="replace"), place)
        return True

    def _is_replay(self, turn: Turn) -> bool:
        if turn.made is None or turn.body is None:
            return False
        key = (turn.session, turn.made)
        before = self._times.get(key)
        self._times[key] = turn.body
        return before == turn.body

    def name(self, session: str, kind: str, title: str) -> None:
        """Take a title of *session*; the last one of a kind counts."""
        self._titles[session][kind] = title

    def sum_up(self, leaf: str, title: str) -> None:
        """Take the title of whichever session the record *leaf* is in."""
        self._summaries.append((leaf, title))

    def end_at(self, session: str, leaf: str, said: str | None) -> None:
        """Note that *session* stands at the record *leaf*, until a turn is added.

        *said* is how the client gives the last prompt; where that is the last turn,
        the session stands there, as *leaf* may be from just before it.
        """
        tip = self.tip(session)
        body = self.turns[tip].body if tip != START else None
        if said and body and _is_shown_as(body, said):
            self._leaves.pop(session, None)
        else:
            self._leaves[session] = leaf

    def enqueue(self, session: str, body: str, made: datetime | None) -> None:
        """Take a prompt that waits for the agent, '' for what is none."""
        tip = self.tip(session)
        queue = self._queues[session]
        queue.append(Waiting(body, made, session, tip, len(self.turns)))
        if len(queue) > _QUEUED:
            self._sent.append(queue.pop(0))

    def dequeue(
        self, session: str, body: str | None, made: datetime | None, *, sent: bool
    ) -> None:
        """Take the prompt *body*, or the first one, from the queue: sent or not."""
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
        """Forget what waits: it went back to be edited."""
        self._queues.pop(session, None)

    def conversations(self) -> Iterator[Conversation]:
        """Yield the sessions in the order in which they began."""
        self._go_to_leaves()
        self._place_sent()
        self._give_titles()
        members: dict[str, list[int]] = {session: [] for session in self.skipped}
        for place, turn in enumerate(self.turns):
            members.setdefault(turn.session, []).append(place)
        for session, places in members.items():
            yield self._conversation(session, places)

    def _go_to_leaves(self) -> None:
        for session, leaf in self._leaves.items():
            place = self.places.find(leaf.encode(errors="replace"))
            if place is not None and session in self.tips:
                self.tips[session] = place

    def _place_sent(self) -> None:
        """Make turns of the queued prompts that no other record holds."""
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
        """Return the places of the turns that follow each turn in each session."""
        found: dict[tuple[str, int], list[int]] = defaultdict(list)
        for place, turn in enumerate(self.turns):
            found[turn.session, turn.parent].append(place)
        return found

    def _is_part(self, waiting: Waiting) -> bool:
        """Whether a prompt was sent together with others that waited."""
        return any(
            turn.session == waiting.session and turn.body and waiting.body in turn.body
            for turn in self.turns[waiting.turns : waiting.turns + _SOON]
        )

    def _insert(self, waiting: Waiting, followers: list[int]) -> None:
        """Put a prompt between the turn it came after and those that followed."""
        place = len(self.turns)
        session, tip = waiting.session, waiting.tip
        while followers and followers[-1] >= waiting.turns:
            self.turns[followers.pop()].parent = place
        followers.append(place)
        if self.tip(session) == tip:
            self.tips[session] = place
        self.turns.append(Turn(session, tip, waiting.body, waiting.made))

    def _give_titles(self) -> None:
        for leaf, title in self._summaries:
            place = self.places.find(leaf.encode(errors="replace"))
            if place is not None and 0 <= place < len(self.turns):
                self.name(self.turns[place].session, "summary", title)

    def _conversation(self, session: str, places: list[int]) -> Conversation:
        turns = {str(place): self.turns[place] for place in places}
        nodes = {key: _node(turn) for key, turn in turns.items()}
        leaf = str(self.tip(session))
        found, elsewhere = tree.turns(nodes, leaf)
        homes = {turn.message: turn.home for turn in turns.values() if turn.home}
        titles = self._titles[session]
        kinds = filter(None, map(titles.get, ("custom", "ai", "summary")))
        title = next(kinds, None)
        begins = self._begins(nodes, leaf)
        candidates = (
            Candidate(
                drafts,
                opening=begins and position == 0,
                conversation_id=homes.get(drafts[0].message_id) or session or None,
                conversation_title=title,
            )
            for position, drafts in enumerate(found)
        )
        skipped = Counter(self.skipped.get(session, {}))
        skipped["abandoned branch"] += elsewhere
        return Conversation(tuple(candidates), dict(+skipped))

    def _begins(self, nodes: dict[str, Node], leaf: str) -> bool:
        """Whether the path to *leaf* begins here, not in another session."""
        path = tree.path(nodes, leaf)
        return not path or nodes[path[0]].parent == str(START)


def _is_shown_as(body: str, said: str) -> bool:
    """Whether *said* is *body* on one line, cut off where that is long."""
    whole, shown = " ".join(body.split()), " ".join(said.split())
    is_cut = len(shown) >= _CUT or shown.endswith(("…", "..."))
    return whole.startswith(shown.rstrip(".… ")) if is_cut else whole == shown


def _node(turn: Turn) -> Node:
    draft = None
    if turn.body:
        draft = Draft(turn.body, turn.made, turn.message, turn.model)
    return Node(str(turn.parent), turn.made, draft)
