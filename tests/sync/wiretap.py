"""Counts requests, answers and their effects: a run must have met all of them."""

import collections
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptvault.services.sync.rounds import SyncReport
from promptvault.wire.sync import Result, SyncAnswer
from tests.sync.device import tokens_of

Numbers = Mapping[str, tuple[str, str | None, int]]


@dataclass
class Wiretap:
    """Counts events, and records what the server has accepted."""

    events: "collections.Counter[str]"
    heard: set[str] = field(default_factory=set)
    """Words that the server has accepted."""
    older: dict[str, set[str]] = field(default_factory=dict)
    """By revision, its ancestors."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """By accepted revision, its prompt."""
    settled: set[str] = field(default_factory=set)
    """Sides whose resolution the server has accepted."""

    def note(self, request: bytes, answer: SyncAnswer) -> None:
        """Record a request and its answer."""
        (vault,) = answer.vaults
        (asked,) = json.loads(request)["vaults"]
        pushes = {push["rev"]: push for push in asked["push"]}
        if vault.status == "resync":
            self.events[f"read anew: {vault.reason}"] += 1
        for result in vault.results:
            self._note(pushes[str(result.rev)], result)
        if vault.more:
            self.events["page"] += 1

    def _note(self, push: dict[str, Any], result: Result) -> None:
        self.events[f"{push['kind']}: {result.r}"] += 1
        if push["kind"] == "head":
            line = {*push["chain"], *([push["base"]] if push["base"] else ())}
            self.older.setdefault(push["rev"], set()).update(line)
        if result.r == "ok":
            self.heard |= tokens_of(json.dumps(push))
            self.settled |= {*push.get("resolves", [])}
            if push["kind"] == "head":
                self.acknowledged[push["rev"]] = push["item"]
        if result.dup:
            self.events["sent twice"] += 1
        if result.common and str(result.common) != push["base"]:
            self.events["common is not base"] += 1

    def is_older(self, rev: str, than: str) -> bool:
        """Return True if *than* descends from *rev*."""
        seen, left = set[str](), {than}
        while left:
            each = left.pop()
            seen.add(each)
            left |= self.older.get(each, set()) - seen
        return rev != than and rev in seen

    def forget(self, lost: set[str]) -> None:
        """Expect that *lost* is lost: no disk has it any more."""
        self.settled -= lost
        for rev in lost & self.acknowledged.keys():
            del self.acknowledged[rev]

    def count(self, report: SyncReport) -> None:
        """Count the effects of a sync."""
        counts = report.counts
        for name in ("merged", "conflicts", "revived", "reread", "restored"):
            if getattr(counts, name):
                self.events[name] += 1
        self.events[f"round trips: {min(report.round_trips, 9)}"] += 1

    def compare(self, before: Numbers, after: Numbers) -> None:
        """Count the changes of the versions on a device."""
        for id_, (name, deleted, number) in after.items():
            old_name, old_deleted, old_number = before.get(id_, (name, deleted, number))
            if number != old_number:
                self.events["renumbered"] += 1
            if old_deleted and not deleted:
                self.events["deletion undone"] += 1
            if "~" in name and "~" not in old_name:
                self.events["told apart"] += 1
