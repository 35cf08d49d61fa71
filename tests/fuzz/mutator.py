"""Changes a file by its structure, as random bytes are seldom valid JSON."""

import json
import random
from collections.abc import Callable
from typing import Any

Json = Any

_STRANGE: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, float("nan"), float("inf")),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\u202e",
        "\x1b[2J",
        "{{",
        "<a>",
        "2026-02-30T99:99:99Z",
    ),
    *([], {}, [None], [[]], {"": None}, "x" * 5000),
)
_REPEATS = (2, 50, 2000)


def mutate(
    data: bytes, limit: int, seed: int, by_bytes: Callable[[bytes, int], bytes]
) -> bytes:
    """Return *data* changed at random, in *limit* bytes at most.

    *by_bytes* is the fuzzer's own way, which is also used if *data* has no JSON.
    """
    chance = random.Random(seed)
    choice = chance.random()
    if choice < 0.05:
        changed: bytes | None = _repeated(data, chance)
    elif choice < 0.55:
        changed = _of_json(data, chance)
    else:
        changed = None
    return by_bytes(data, limit) if changed is None else changed[:limit]


def _repeated(data: bytes, chance: random.Random) -> bytes:
    """Repeat a short stretch many times, which reveals slow algorithms."""
    start = chance.randrange(len(data) + 1)
    end = start + chance.randrange(1, 40)
    times = chance.choice(_REPEATS)
    return data[:start] + data[start:end] * times + data[end:]


def _of_json(data: bytes, chance: random.Random) -> bytes | None:
    """Change one value of a JSON file, or of one line of it; None for another file."""
    lines = data.split(b"\n") if data.startswith(b"{") else [data]
    place = chance.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except (ValueError, RecursionError):
        return None
    for _ in range(chance.randrange(1, 4)):
        value = _changed(value, chance)
    lines[place] = json.dumps(value).encode()
    if len(lines) > 1 and chance.random() < 0.3:
        other = chance.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    return b"\n".join(lines)


def _changed(value: Json, chance: random.Random) -> Json:
    """Return *value* with one part of it exchanged, moved, doubled or dropped."""
    holders = list(_holders(value))
    if not holders:
        return chance.choice(_STRANGE)
    holder = chance.choice(holders)
    key = chance.choice(
        list(holder) if isinstance(holder, dict) else range(len(holder))
    )
    action = chance.randrange(4)
    if action == 0:
        del holder[key]
    elif action == 1:
        holder[key] = chance.choice(_STRANGE)
    elif action == 2:
        other = chance.choice(holders)
        part = chance.choice(list(other.values()) if isinstance(other, dict) else other)
        holder[key] = json.loads(json.dumps(part))
    elif isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), holder[key])
    else:
        other = chance.choice(holders)
        names = [
            name for each in (holder, other) if isinstance(each, dict) for name in each
        ]
        holder[chance.choice(names)] = holder.pop(key)
    return value


def _holders(value: Json) -> list[Json]:
    """Return each array and object in *value* that is not empty."""
    found, waiting = [], [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict | list) and each:
            found.append(each)
            waiting.extend(each.values() if isinstance(each, dict) else each)
    return found
