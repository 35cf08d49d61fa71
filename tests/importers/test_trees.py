"""Conversations of every shape: the texts of a person on the current branch are found,
once and in order, and no text of a machine is.
"""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from promptvault.importers.chats import chatgpt, claude
from promptvault.importers.claude_code import source as claude_code
from promptvault.importers.cline import source as cline
from promptvault.importers.cursor import source as cursor
from promptvault.importers.files import dataset
from promptvault.importers.gemini import cli, takeout
from promptvault.importers.input.candidate import Item
from tests.importers import claude_code_build as session
from tests.importers.build import (
    Json,
    bodies,
    candidates,
    chat,
    document,
    message,
    of_json,
    of_lines,
    talk,
    turn,
)
from tests.importers.examples import key_values

MACHINE = "machine"
shapes = settings(max_examples=80, deadline=None)


class Said(NamedTuple):
    """One message: its number, its parent, and who wrote it."""

    number: int
    parent: int | None
    is_human: bool

    @property
    def text(self) -> str:
        return f"{'ask' if self.is_human else MACHINE} {self.number}."


@st.composite
def trees(draw: st.DrawFn, *, is_sound: bool = False) -> tuple[list[Said], int]:
    """Draw messages and the number of the current one. Unless they must be sound, a
    message may answer itself, a later one or a missing one."""
    count = draw(st.integers(1, 12))
    nodes = []
    for number in range(count):
        before = st.none() | st.integers(0, number - 1) if number else st.none()
        anywhere = before if is_sound else before | st.integers(0, count)
        parent = draw(st.just(number - 1 if number else None) | anywhere)
        nodes.append(Said(number, parent, draw(st.booleans())))
    return nodes, draw(st.integers(0, count - 1))


def way_to(nodes: list[Said], leaf: int) -> list[str]:
    """Return what a person wrote on the path to *leaf*, oldest first."""
    found: list[Said] = []
    number: int | None = leaf
    while number is not None and number < len(nodes) and nodes[number] not in found:
        found.append(nodes[number])
        number = nodes[number].parent
    return [each.text for each in reversed(found) if each.is_human]


def assert_only(items: Iterable[Item], expected: list[str]) -> None:
    """Check that *items* are *expected*, with no other text among the drafts."""
    whole = list(items)
    assert bodies(whole) == expected
    drafts = [draft.body for each in candidates(whole) for draft in each.drafts]
    assert len(drafts) == len(set(drafts))
    assert not [body for body in drafts if MACHINE in body]


def mapping_of(nodes: list[Said], leaf: int) -> Json:
    turns = [
        turn(
            f"n{each.number}",
            None if each.parent is None else f"n{each.parent}",
            each.text,
            "user" if each.is_human else "assistant",
            create_time=1700000000 + each.number,
        )
        for each in nodes
    ]
    return chat(*turns, current_node=f"n{leaf}")


@given(trees())
@shapes
def test_chatgpt(tree: tuple[list[Said], int]) -> None:
    assert_only(chatgpt.read(of_json([mapping_of(*tree)])), way_to(*tree))


@given(trees(is_sound=True), st.randoms())
@shapes
def test_claude(tree: tuple[list[Said], int], chance: Random) -> None:
    nodes, leaf = tree
    messages = [
        message(
            f"n{each.number}",
            each.text,
            each.number,
            "human" if each.is_human else "assistant",
            parent_message_uuid=claude_parent(each),
        )
        for each in nodes
    ]
    chance.shuffle(messages)
    value = talk(*messages, current_leaf_message_uuid=f"n{leaf}")
    assert_only(claude.read(of_json([value])), way_to(nodes, leaf))


def claude_parent(node: Said) -> str:
    root = "00000000-0000-4000-8000-000000000000"
    return root if node.parent is None else f"n{node.parent}"


# Sessions, which only grow: each record is written after the earlier ones


class Step(NamedTuple):
    """Something that happens in a session, and its place, if it has one."""

    kind: str
    place: int


def steps(*kinds: str) -> st.SearchStrategy[list[Step]]:
    """Draw the events of a session: messages, and the other *kinds*."""
    kind = st.sampled_from(["say", "say", *kinds])
    return st.lists(st.builds(Step, kind, st.integers(0, 9)), min_size=1, max_size=9)


class Coding:
    """A session of Claude Code while it is written."""

    def __init__(self) -> None:
        self.rows: list[Json] = []
        self.turns: list[tuple[str | None, str]] = []
        """For each current prompt, what it answers, and its text."""
        self._last: str | None = None
        self._fixed = 0

    def say(self, _: int) -> None:
        number = len(self.rows)
        self.turns.append((self._last, f"ask {number}."))
        self._add(session.said(self._key, self._last, f"ask {number}."))
        said = f"{MACHINE} {number}."
        content = [{"type": "text", "text": said}]
        reply = {"role": "assistant", "model": "m", "content": content}
        self._add(session.answer(self._key, self._last, message=reply))
        self._add(session.result(self._key, str(self._last)))

    def rewind(self, place: int) -> None:
        """Go back to a prompt and send another one instead."""
        if open_turns := self.turns[self._fixed :]:
            index = self._fixed + place % len(open_turns)
            self._last = self.turns[index][0]
            del self.turns[index:]
            self.say(0)

    def compact(self, _: int) -> None:
        if self._last:
            boundary = {"logicalParentUuid": self._last, "content": "Compacted"}
            kind = {"type": "system", "subtype": "compact_boundary"}
            self._add(session.row(self._key, None, **kind, **boundary))
            summary = f"{MACHINE}: This session is being continued."
            flag = {"isCompactSummary": True}
            self._add(session.said(self._key, self._last, summary, **flag))
            self._fixed = len(self.turns)

    def resume(self, place: int) -> None:
        """Write the records again, as continuing in another file does."""
        self.rows += self.rows[place:]

    @property
    def _key(self) -> str:
        return f"u{len(self.rows)}"

    def _add(self, row: Json) -> None:
        time = f"2026-03-01T{len(self.rows) // 60:02}:{len(self.rows) % 60:02}:00.000Z"
        self.rows.append({**row, "timestamp": time})
        self._last = row["uuid"]


@given(steps("rewind", "compact", "resume"))
@shapes
def test_claude_code(happened: list[Step]) -> None:
    coding = Coding()
    for step in (Step("say", 0), *happened, Step("say", 0)):
        getattr(coding, step.kind)(step.place)
    items = claude_code.read(of_lines(coding.rows))
    assert_only(items, [text for _, text in coding.turns])


@given(steps("rewind", "again"), st.booleans())
@shapes
def test_gemini_cli(happened: list[Step], has_state: bool) -> None:
    """A log of events, and the state that the CLI wrote before it had events."""
    records: list[Json] = []
    said: list[Json] = []
    for step in happened:
        key = f"{len(records)}"
        if step.kind == "rewind" and said:
            place = step.place % len(said)
            records.append({"$rewindTo": said[place]["id"]})
            del said[place:]
        elif step.kind == "again" and said:
            records.append(said[-1])  # as it is if any of it changes
        else:
            said.append({"id": key, "type": "user", "content": f"ask {key}."})
            reply = {"id": f"a{key}", "type": "gemini", "content": MACHINE}
            records += [said[-1], reply]
    start = {"sessionId": "s", "projectHash": "h", "startTime": "2026-05-04T09:00:00Z"}
    if has_state:
        items = cli.read(of_json({**start, "messages": said}))
    else:
        items = cli.read(of_lines([start, *records]))
    assert_only(items, [each["content"] for each in said])


TYPED = ("task", "user_feedback")
PANEL = ["text", "reasoning", "command_output", "completion_result", "api_req_started"]


@given(st.lists(st.sampled_from(["user_feedback", "user_feedback", *PANEL])))
@shapes
def test_cline(kinds: list[str]) -> None:
    rows = [
        {
            "ts": 1772654722000 + number,
            "type": "say",
            "say": kind,
            "text": f"{'ask' if kind in TYPED else MACHINE} {number}.",
        }
        for number, kind in enumerate(["task", *kinds])
    ]
    expected = [row["text"] for row in rows if str(row["text"]).startswith("ask")]
    assert_only(cline.read(of_json(rows)), list(map(str, expected)))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=9))
@shapes
def test_cursor(turns: list[tuple[bool, bool]]) -> None:
    """Messages of a person or not, in the list of a chat or left out of it."""
    nodes = [Said(number, None, human) for number, (human, _) in enumerate(turns)]
    listed = [
        each for each, (_, is_listed) in zip(nodes, turns, strict=True) if is_listed
    ]
    headers = [
        {"bubbleId": f"b{each.number}", "type": 1 if each.is_human else 2}
        for each in listed
    ]
    bubbles = {
        f"bubbleId:c:b{each.number}": {
            "_v": 3,
            "type": 1 if each.is_human else 2,
            "text": each.text,
        }
        for each in nodes
    }
    head = {"_v": 10, "name": "A chat", "fullConversationHeadersOnly": headers}
    # A chat without a list is as old as its messages, and read by their age.
    wanted = [each.text for each in listed or nodes if each.is_human]
    store = {"composerData:c": {**head, "composerId": "c"}, **bubbles}
    data = key_values(ItemTable={}, cursorDiskKV=store)
    assert_only(cursor.read(document(data)), wanted)


@given(st.lists(st.sampled_from(["Gemini Apps", "Search", "YouTube"]), max_size=9))
@shapes
def test_takeout(products: list[str]) -> None:
    rows = [
        {
            "header": product,
            "title": f"Prompted ask {n}."
            if product == "Gemini Apps"
            else f"Searched for {MACHINE} {n}.",
            "time": f"2026-01-02T03:04:{59 - n:02}.678Z",
            "products": [product],
            "safeHtmlItem": [{"html": f"<p>{MACHINE}</p>"}],
        }
        for n, product in enumerate(products)
    ]
    expected = [f"ask {n}." for n, each in enumerate(products) if each == "Gemini Apps"]
    items = list(takeout.read(of_json(rows)))
    assert sorted(bodies(items)) == expected
    assert not [each for each in bodies(items) if MACHINE in each]


ROLES = st.lists(
    st.sampled_from(["human", "gpt", "system", "tool", "observation"]), max_size=9
)


@given(st.lists(ROLES, min_size=1, max_size=4), st.booleans())
@shapes
def test_dataset(chats: list[list[str]], is_sharegpt: bool) -> None:
    names = {"human": "user", "gpt": "assistant", "observation": "function"}
    rows: list[Json] = []
    expected: list[str] = []
    for place, roles in enumerate(chats):
        texts = [
            f"{'ask' if role == 'human' else MACHINE} {place}.{number}."
            for number, role in enumerate(roles)
        ]
        said = list(zip(roles, texts, strict=True))
        if is_sharegpt:
            turns = [{"from": role, "value": text} for role, text in said]
            rows.append({"id": f"c{place}", "conversations": turns})
        else:
            turns = [
                {"role": names.get(role, role), "content": text} for role, text in said
            ]
            rows.append({"messages": turns})
        expected += [text for role, text in said if role == "human"]
    found = list(dataset.read(of_lines(rows)))
    assert bodies(found) == expected
