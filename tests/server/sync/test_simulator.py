"""Three devices at random, for many seeds: the invariants hold after every step."""

import random
from typing import Any
from uuid import UUID

import pytest

from tests.server.sync.conftest import LIMITS, Vault, set_limit
from tests.server.sync.device import Device

STEPS = 120


class Simulation:
    """Three devices of one vault, and everything that was answered with `ok`."""

    def __init__(self, vault: Vault, seed: int) -> None:
        self.vault, self.rng = vault, random.Random(seed)
        self.devices = [Device(vault) for _ in range(3)]
        self.accepted: dict[str, int] = {}
        self.requests: list[list[dict[str, Any]]] = []

    def step(self) -> None:
        """Run one random action."""
        device = self.rng.choice(self.devices)
        act = self.rng.choices(
            ["create", "edit", "delete", "sync", "lose", "replay"],
            [3, 10, 1, 10, 3, 2],
        )[0]
        if act == "create":
            device.create()
        elif act in {"edit", "delete"}:
            device.change(self.rng, act == "delete")
        elif act == "replay":
            self._replay()
        else:
            self._sync(device, lost=act == "lose")

    def _sync(self, device: Device, *, lost: bool = False) -> dict[str, Any]:
        pushes = device.request()[: self.vault.limits.items]
        answer = self.vault.sync(*pushes, cursor=device.cursor)
        self.requests.append(pushes)
        self._remember(answer["results"])
        if not lost:
            device.apply(answer)
        return answer

    def _remember(self, results: list[dict[str, Any]]) -> None:
        """Record what was accepted, which is final (I3, I6)."""
        for each in results:
            if each["r"] == "ok":
                assert self.accepted.setdefault(each["rev"], each["seq"]) == each["seq"]
            else:
                assert each["rev"] not in self.accepted

    def _replay(self) -> None:
        """Send an old request again: the answer is the same, and nothing changes."""
        pushes = self.rng.choice(self.requests or [[]])
        known = [each for each in pushes if each["rev"] in self.accepted]
        before = self.vault.sync(cursor=self.devices[0].cursor)["digest"]
        answer = self.vault.sync(*known)
        self._remember(answer["results"])
        assert all(each["dup"] for each in answer["results"])
        assert answer["digest"] == before

    def settle(self) -> None:
        """Sync until no device has a change to send, and compare."""
        for _ in range(4):
            for device in self.devices:
                while self._sync(device)["more"] or device.request():
                    pass

    def check_devices(self) -> None:
        """Assert that every device has the state of the server."""
        stored = self.vault.rows(
            "SELECT version_id, item_id, seq, position FROM versions"
            " WHERE vault_id = %s"
        )
        heads = self.vault.rows(
            "SELECT item_id, head_rev FROM items WHERE vault_id = %s AND NOT deleted"
        )
        live = {item for item, _ in heads}  # a new device need not get the others
        places = {
            str(id): (str(item), *place) for id, item, *place in stored if item in live
        }
        open_sides = self.vault.rows(
            "SELECT rev FROM sides WHERE vault_id = %s AND NOT resolved"
        )
        for device in self.devices:
            assert places.items() <= device.places.items()
            assert {UUID(rev) for rev in device.sides} == {row[0] for row in open_sides}
            held = [
                (UUID(item), UUID(each.head["rev"]))
                for item, each in device.items.items()
                if not each.dirty and not each.head.get("deleted")
            ]
            assert {*held} == {*heads}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["plain", "small pages", "limit"])
def test_the_invariants_hold_after_every_step(
    vault: Vault, seed: int, kind: str
) -> None:
    if kind == "small pages":
        vault.limits = LIMITS.model_copy(update={"items": 2})
    if kind == "limit":
        set_limit(vault, 3)
    simulation = Simulation(vault, seed)
    for _ in range(STEPS):
        simulation.step()
        vault.check()
    simulation.settle()
    simulation.check_devices()
    stored = vault.rows("SELECT rev FROM revisions WHERE vault_id = %s")
    assert simulation.accepted.keys() == {str(row[0]) for row in stored}
