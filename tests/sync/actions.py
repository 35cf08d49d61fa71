"""The actions of users, networks, disks and operators in a simulation."""

import collections
import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from promptvault.domain.prompt import Prompt
from promptvault.errors import (
    AlreadyExistsError,
    AuthenticationError,
    InvalidInputError,
)
from promptvault.services.prompts.edit import (
    add_prompt,
    change_details,
    move_prompts,
    purge_trash,
    restore_prompt,
    set_label,
)
from promptvault.services.prompts.prompt_document import DetailChanges, parse_document
from promptvault.services.sync.rounds import SyncReport
from promptvault.vault.reader import reading
from promptvault.wire.sync import SyncAnswer
from tests.sync.crash import KilledError, crashing, spared
from tests.sync.device import Copy, Device, Local, tokens_of
from tests.sync.hosted import Backup, Hosted
from tests.sync.wiretap import Wiretap

DEVICES = 3
Act = Callable[..., object]
NAMES = ("a", "b", "c", "d/e")
_PAST = 12
"""Changes that the server may lose."""
_WHOLE = 500
"""Changes; pages that are smaller split a change, so that a resync is normal."""
LABELS = ("prod", "test")


class DroppedError(Exception):
    """The network failed."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The settings of a set of simulations."""

    name: str
    page: int = 500
    limit: int | None = None
    has_backups: bool = False
    """Whether the server is restored from a backup. Then no device is lost."""
    goes_back: bool = False
    """Whether the server loses its last changes without notice."""
    has_teams: bool = False
    """Whether there are three users with a team, see `simulate_teams`."""
    prompts: int = 9
    """The number of prompts on all devices together, roughly."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """The weights of actions that differ from the usual ones."""


@dataclass
class World:
    """Three devices of one user, the server, and every word that was written."""

    home: Path
    hosted: Hosted
    scenario: Scenario
    events: "collections.Counter[str]" = field(default_factory=collections.Counter)
    written: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    """Words that a user removed on purpose."""
    saved: Backup | None = None
    past: "collections.deque[Backup]" = field(
        default_factory=lambda: collections.deque(maxlen=_PAST)
    )
    """The server before each of its last changes."""

    def __post_init__(self) -> None:
        clock = itertools.count()
        self.devices = [
            Device(self.home / f"d{number}", "http://simulated", "", clock)
            for number in range(DEVICES)
        ]
        self.tap = Wiretap(self.events)

    def word(self) -> str:
        """Return a word that is in no other text."""
        word = f"w{len(self.written)}"
        self.written.add(word)
        return word

    # The actions of a user. A number selects among what there is, modulo its size.

    def create(self, d: int, name: int) -> None:
        """Write a new prompt."""
        body = "".join(f"{self.word()}\n" for _ in range(4))
        try:
            self._add(self.devices[d], NAMES[name % len(NAMES)], body)
        except AlreadyExistsError:
            self.removed |= tokens_of(body)

    def _add(self, device: Device, name: str, body: str) -> None:
        add_prompt(device.workspace, name, parse_document(body), DetailChanges())

    def edit(self, d: int, k: int, line: int, how: str) -> None:
        """Replace, insert or drop a line of a prompt."""
        if prompt := self._pick(d, k):
            self._edit(self.devices[d], prompt, line, how)

    def _edit(self, device: Device, prompt: Local, line: int, how: str) -> None:
        lines = prompt.body.splitlines(keepends=True)
        at = line % (len(lines) + 1)
        if how == "insert" or at == len(lines):
            lines.insert(at, f"{self.word()}\n")
        elif how == "replace":
            self.removed |= tokens_of(lines[at])
            lines[at] = f"{self.word()}\n"
        elif len(lines) > 1:
            self.removed |= tokens_of(lines[at])
            del lines[at]
        device.edit(prompt.name, "".join(lines))

    def describe(self, d: int, k: int, field_: str) -> None:
        """Change the details of a prompt."""
        if not (prompt := self._pick(d, k)):
            return
        device, word = self.devices[d], self.word()
        if field_ == "tag":
            device.set(prompt.name, tags=(word,))
        elif field_ == "title":
            self.removed |= tokens_of(prompt.title)
            device.set(prompt.name, title=word)
        elif field_ == "description":
            self.removed |= tokens_of(prompt.description)
            device.set(prompt.name, description=word)
        else:
            self.removed.add(word)
            device.set(prompt.name, favourite=not device.get(prompt.name).favourite)

    def untag(self, d: int, k: int) -> None:
        """Take the first tag off a prompt."""
        if prompt := self._pick(d, k):
            device = self.devices[d]
            tags = device.get(prompt.name).tags[:1]
            self.removed |= tokens_of(*tags)
            change_details(device.workspace, prompt.name, DetailChanges(), untag=tags)

    def label(self, d: int, k: int, version: int, label: int) -> None:
        """Set a label to a version."""
        if prompt := self._pick(d, k):
            device = self.devices[d]
            number = 1 + version % self._read(device, prompt).versions
            name = LABELS[label % len(LABELS)]
            set_label(device.workspace, f"{prompt.name}@{number}", name)

    def move(self, d: int, k: int, name: int) -> None:
        """Rename a prompt if the name is free."""
        if prompt := self._pick(d, k):
            new = NAMES[name % len(NAMES)]
            self._try(move_prompts, self.devices[d], prompt.name, new)

    def delete(self, d: int, k: int) -> None:
        """Put a prompt into the trash."""
        if prompt := self._pick(d, k):
            self.removed |= prompt.tokens
            self.devices[d].delete(prompt.name)

    def restore(self, d: int, k: int) -> None:
        """Take a prompt out of the trash."""
        trashed = self.devices[d].prompts(trashed=True)
        if trashed:
            self._try(restore_prompt, self.devices[d], trashed[k % len(trashed)].name)

    def empty_trash(self, d: int) -> None:
        """Remove all prompts in the trash for good, with their conflict copies."""
        device = self.devices[d]
        trashed = {each.id: each.tokens for each in device.prompts(trashed=True)}
        self.removed |= set[str]().union(*trashed.values())
        for each in device.copies():
            if each.copy.item in trashed:
                self.removed |= each.tokens
        purge_trash(device.workspace)

    def resolve(self, d: int, k: int, keep: bool) -> None:
        """Resolve a conflict copy: add its words to the prompt, or drop them."""
        if not (found := self._copies(d)):
            return
        copy, prompt = found[k % len(found)]
        more = sorted(copy.tokens - prompt.tokens)
        if not keep:
            self.removed |= set(more)
            more = []
        body = prompt.body + "".join(f"{word}\n" for word in more)
        self.devices[d].resolve(copy.copy, body)
        self.events["resolved"] += 1

    def _copies(self, d: int) -> list[tuple[Copy, Local]]:
        """Return the conflict copies of live prompts, each with its prompt."""
        device = self.devices[d]
        live = {prompt.id: prompt for prompt in device.prompts()}
        found = [each for each in device.copies() if each.copy.item in live]
        return [(each, live[each.copy.item]) for each in found]

    def _pick(self, d: int, k: int) -> Local | None:
        prompts = self.devices[d].prompts()
        return prompts[k % len(prompts)] if prompts else None

    def _read(self, device: Device, prompt: Local) -> Prompt:
        with reading(device.paths.database, device.paths.usage) as reader:
            return reader.by_id(prompt.id)

    def _try(self, act: Act, device: Device, *arguments: str) -> None:
        try:
            act(device.workspace, *arguments)
        except (AlreadyExistsError, InvalidInputError):
            self.events["refused"] += 1

    # Sync and its failures.

    def sync(
        self, d: int, plan: Sequence[str] = (), crash: int | None = None
    ) -> SyncReport | None:
        """Sync a device; *plan* has the fate of each request, *crash* when it dies.

        Returns None if it did not complete.
        """
        device, faults = self.devices[d], iter(plan)
        before = device.numbers()
        with crashing(crash):
            try:
                report = device.converse(
                    str(self.hosted.id),
                    lambda request: self._exchange(d, request, next(faults, "")),
                )
            except DroppedError:
                self.events["dropped"] += 1
                return None
            except AuthenticationError:
                self.hosted.grant()
                self.events["signed in anew"] += 1
                return None
            except KilledError:
                self.events["crashed"] += 1
                return None
        # A resync repairs an error, and would hide it.
        counts = report.counts
        assert self.scenario.page < _WHOLE or counts.revived or not counts.reread
        self.tap.count(report)
        self.tap.compare(before, device.numbers())
        return report

    def _exchange(self, d: int, request: bytes, fault: str) -> SyncAnswer:
        if fault == "lose request":
            raise DroppedError
        with spared():
            if self.scenario.goes_back and json.loads(request)["vaults"][0]["push"]:
                self.past.append(self.hosted.backup())
            answer = self.hosted.ask(request)
            self.tap.note(request, answer)
            if fault == "edit":  # in another terminal, while the request is under way
                self.edit(d, len(self.written), len(self.removed), "replace")
        if fault == "lose answer":
            raise DroppedError
        return answer

    # The actions on devices and on the server.

    def copy_home(self, d: int, e: int) -> None:
        """Copy one device's home over another's; the unsent work there is lost."""
        source, target = self.devices[d], self.devices[e]
        if d == e or not source.home.exists():
            return
        self.removed |= target.unsent()
        if self.saved:  # changes that only these two had are out of scope
            self.removed |= target.tokens()
        with self._excusing():
            target.replace_by(source)
        self.events["home copied"] += 1

    def lose_device(self, d: int) -> None:
        """Lose a device for good: what the server has accepted must survive."""
        if not self.scenario.has_backups:
            self.removed |= self.devices[d].tokens() - self.tap.heard
            with self._excusing():
                self.devices[d].clear()
            self.events["device lost"] += 1

    def break_down(self, d: int, e: int, k: int) -> None:
        """Lose a device after a resolution whose answer was lost."""
        if d != e and (found := self._copies(d)):
            (_, prompt) = found[k % len(found)]
            for other in self.devices[e].prompts():
                if other.id == prompt.id:
                    self._edit(self.devices[e], other, k, "replace")
            self.sync(e)
            self.resolve(d, k, keep=True)
            self.sync(d, ["lose answer"])
            self.lose_device(d)

    def purge(self, fraction: float) -> None:
        """Purge deletions on the server, up to a *fraction* of the sequence."""
        self.hosted.purge(fraction)

    def set_limit(self, more: int) -> None:
        """Raise the limit, or lower it to what it was."""
        if self.scenario.limit is not None:
            self.hosted.set_limit(self.scenario.limit + more)

    def retry(self, d: int) -> None:
        """Try again to send what was over the limit."""
        self.devices[d].retry()

    def revoke(self) -> None:
        """Revoke the token."""
        self.hosted.revoke()

    def back_up(self) -> None:
        """Back the server up."""
        if self.scenario.has_backups:
            self.saved = self.hosted.backup()

    def go_back(self, n: int, renew: bool) -> None:
        """Restore the server to an earlier state, with or without a new epoch."""
        if self.past:
            index = max(0, len(self.past) - 1 - n)
            with self._excusing():
                self.hosted.restore(self.past[index], renew=renew)
            while len(self.past) > index:
                self.past.pop()
            self.events["server went back"] += 1

    @contextlib.contextmanager
    def _excusing(self) -> Iterator[None]:
        """Expect the loss of what the block removes from the last disk that has it."""
        if not self.scenario.goes_back:
            yield
            return
        words, known = self._words(), self._known()
        yield
        self.removed |= words - self._words()
        self.tap.forget(known - self._known())

    def _words(self) -> set[str]:
        """Return all words on the server and the devices."""
        everything = (*self.hosted.heads().values(), *self.hosted.sides().values())
        words = tokens_of(json.dumps(everything), *self.hosted.bodies().values())
        return words.union(*(device.tokens() for device in self.devices))

    def _known(self) -> set[str]:
        """Return all revisions and resolutions on the server and the devices."""
        known = self.hosted.known()
        return known.union(*(device.known() for device in self.devices))

    def restore_server(self) -> None:
        """Restore the server from its backup."""
        if self.saved:
            self.hosted.restore(self.saved)
            self.events["server restored"] += 1
