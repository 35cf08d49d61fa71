"""The oracle: nothing is lost, and all devices are equal once all is synced."""

from collections.abc import Sequence
from typing import Any

from promptvault.services.health.doctor import check_vault
from promptvault.services.sync.rounds import snapshot
from promptvault.vault.sync.link import get_link
from promptvault.vault.sync.push import has_unsent_changes
from promptvault.vault.sync.state import stored_prompts
from tests.sync.actions import World
from tests.sync.device import Device, tokens_of
from tests.sync.hosted import Hosted

_ROUNDS = 3


def settle(world: World) -> None:
    """Sync every device until there is nothing left to do."""
    for _ in range(_ROUNDS):
        for d in range(len(world.devices)):
            report = world.sync(d) or world.sync(d)  # the token may be revoked
            assert report is not None


def judge(world: World) -> None:
    """Assert that nothing is lost and all are equal."""
    settle(world)
    _require_rest(world)
    heads, sides = world.hosted.heads(), world.hosted.sides()
    alive = server_words(world.hosted)
    for device in world.devices:
        held = device.held()
        require_same(device, heads, held)
        alive |= require_sides(device, set(sides), held)
        for each in device.prompts():
            alive |= each.tokens if each.hold else set()
    require_equal(world.devices)
    lost = world.written - world.removed - alive
    assert not lost, f"lost: {sorted(lost)}"
    _require_no_way_back(world, set(sides))


def server_words(hosted: Hosted) -> set[str]:
    """Return the words of a vault on the server."""
    bodies, words = hosted.bodies(), set[str]()
    for state in (*hosted.heads().values(), *hosted.sides().values()):
        assert "<<<<<<<" not in bodies[state["version"]]
        words |= _tokens(state, bodies)
    return words


def _require_no_way_back(world: World, sides: set[str]) -> None:
    """No prompt is back at a revision older than one that the server accepted."""
    heads = world.hosted.head_revs()
    for rev, item in world.tap.acknowledged.items():
        head = heads.get(item, rev)
        assert not world.tap.is_older(head, rev), f"{item} is again at {head}"
    again = sides & world.tap.settled
    assert not again, f"in conflict again: {sorted(again)}"


def _tokens(state: dict[str, Any], bodies: dict[str, str]) -> set[str]:
    words = (state["title"], state["description"], *state["tags"])
    return tokens_of(bodies[state["version"]], *words)


def _require_rest(world: World) -> None:
    """One more sync takes one request and changes nothing."""
    for d, device in enumerate(world.devices):
        before = device.everything()
        report = world.sync(d)
        assert report is not None
        assert report.round_trips == 1, f"{report.round_trips} round trips at rest"
        assert not report.counts.reread
        assert device.everything() == before


def require_same(
    device: Device, heads: dict[str, dict[str, Any]], held: set[str]
) -> None:
    """The device has what the server has, except for what is held back."""
    here = {each.id for each in device.prompts()}
    assert here - held == set(heads) - held, f"{device.home.name}: other prompts"
    with snapshot(device.workspace) as connection:
        found = stored_prompts(connection, here - held)
        assert {id_: each.state for id_, each in found.items()} == {
            id_: state for id_, state in heads.items() if id_ not in held
        }, f"{device.home.name}: other states"
        assert not has_unsent_changes(connection)
        changes = connection.execute("SELECT * FROM sync_changes").fetchall()
        assert not changes
        assert get_link(connection).resync is None


def require_sides(device: Device, sides: set[str], held: set[str]) -> set[str]:
    """The device has the open conflict copies of the server; return their words."""
    copies = device.copies()
    with snapshot(device.workspace) as connection:
        rows = connection.execute("SELECT item, side FROM sync_resolves").fetchall()
    settled = {side for item, side in rows if item in held}
    ids = {
        each.id for trashed in (False, True) for each in device.prompts(trashed=trashed)
    }
    lone = {each.copy.item for each in copies} - ids
    assert not lone, f"{device.home.name}: conflict copies without a prompt: {lone}"
    open_ = {each.copy.rev for each in copies if each.copy.status == "open"}
    assert open_ == sides - settled, f"{device.home.name}: other sides"
    own = [each.tokens for each in copies if each.copy.status != "open"]
    return set[str]().union(*own)


def require_equal(devices: Sequence[Device]) -> None:
    """All that is not held back is equal on all devices, with versions and numbers."""
    held = set[str]().union(*(device.held() for device in devices))
    first, *others = (device.everything_but(held) for device in devices)
    for device, other in zip(devices[1:], others, strict=True):
        assert other == first, f"{device.home.name} differs"


def examine(world: World) -> None:
    """Run the doctor on every device."""
    for device in world.devices:
        found = check_vault(device.workspace)
        assert not found.problems, found.problems
