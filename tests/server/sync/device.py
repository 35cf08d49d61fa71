"""A minimal device: enough of a client to find errors of the server."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.server.sync.conftest import Vault, after, beside, gone, new


@dataclass
class Local:
    """A prompt as a device has it: with its push, or without a change."""

    head: dict[str, Any]
    chain: list[str]
    dirty: bool = True


@dataclass
class Device:
    """On a conflict, it takes the other text and keeps its own as a side."""

    vault: Vault
    items: dict[str, Local] = field(default_factory=dict)
    outgoing: list[dict[str, Any]] = field(default_factory=list)
    sides: dict[str, str] = field(default_factory=dict)
    places: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    cursor: dict[str, Any] = field(default_factory=dict)
    held_back: set[str] = field(default_factory=set)

    def create(self) -> None:
        """Write a new prompt."""
        head = new()
        self.items[head["item"]] = Local(head, [])

    def change(self, rng: random.Random, delete: bool = False) -> None:
        """Edit or delete a prompt, and resolve a side of it if there is one."""
        live = [k for k, each in self.items.items() if not each.head.get("deleted")]
        if not live:
            return
        local = self.items[rng.choice(sorted(live))]
        before = local.head
        chain = [before["rev"], *local.chain][:64]
        head = gone(before) if delete else after(before)
        sent = before["versions"] if local.dirty else []
        head |= {"chain": chain, "base": None, "versions": [*sent, *head["versions"]]}
        head["deleted"] = delete
        head["resolves"] = [s for s, i in self.sides.items() if i == before["item"]]
        self.items[before["item"]] = Local(head, chain)
        self.held_back.discard(before["item"])

    def request(self) -> list[dict[str, Any]]:
        """Return the pushes."""
        heads = [
            each.head
            for item, each in self.items.items()
            if each.dirty and item not in self.held_back
        ]
        return [*self.outgoing, *heads]

    def apply(self, answer: dict[str, Any]) -> None:
        """Take in an answer: results, then changes, then the cursor."""
        if answer["status"] == "resync":
            self.cursor = answer["cursor"]
            return
        for result in answer["results"]:
            self._result(result)
        for change in answer["feed"]:
            self._change(change)
        self.cursor = answer["cursor"]

    def _result(self, result: dict[str, Any]) -> None:
        rev, word = result["rev"], result["r"]
        assert word in {"ok", "conflict", "quota"}, result
        mine = [e for e in (*self.outgoing, *self._heads()) if e["rev"] == rev]
        for each in mine:
            if word == "ok":
                self._accepted(each, result)
            elif word == "quota":
                self.held_back.add(each["item"])
            elif result.get("head") is None:  # purged there: start from nothing
                again = new()
                del self.items[each["item"]]
                self.items[again["item"]] = Local(again, [])

    def _accepted(self, sent: dict[str, Any], result: dict[str, Any]) -> None:
        known = {place["id"]: place for place in result.get("known", [])}
        for index, each in enumerate(sent["versions"]):
            place = known.get(each["id"])
            seq, position = (
                (place["seq"], place["position"]) if place else (result["seq"], index)
            )
            self.places[each["id"]] = (sent["item"], seq, position)
        if sent["kind"] == "head":
            self.items[sent["item"]].dirty = False
        else:
            self.outgoing.remove(sent)
            if result.get("open", True):
                self.sides[sent["rev"]] = sent["item"]
        for side in sent.get("resolves", []):
            self.sides.pop(side, None)

    def _heads(self) -> list[dict[str, Any]]:
        return [each.head for each in self.items.values()]

    def _change(self, change: dict[str, Any]) -> None:
        for each in change.get("versions", []):
            place = (change["item"], each["seq"], each["position"])
            assert self.places.setdefault(each["id"], place) == place
        if change["t"] == "side":
            self.sides[change["rev"]] = change["item"]
        elif change["t"] == "resolved":
            self.sides.pop(change["rev"], None)
        else:
            self._head(change)

    def _head(self, change: dict[str, Any]) -> None:
        local = self.items.get(change["item"])
        if local and local.dirty:
            if change["rev"] in [local.head["rev"], *local.chain]:
                return
            if not local.head.get("deleted"):
                side = beside({**local.head, "rev": None})
                side["versions"] = [*local.head["versions"], *side["versions"]]
                self.outgoing.append(side)
        head = {**change, "kind": "head", "versions": []}
        self.held_back.discard(change["item"])
        self.items[change["item"]] = Local(head, [], dirty=False)
