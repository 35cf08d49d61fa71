"""More conflicts than fit in one answer, between two devices."""

from tests.sync.laptop import Laptop

_LINE = "A line of a prompt that has been rewritten again and again.\n"
_TEXT = _LINE * 3000
"""About 180 KB: seven prompts with five versions each are 6 MB."""
_NAMES = [f"p{number}" for number in range(7)]


def _edit_all(laptop: Laptop, where: str) -> None:
    for name in _NAMES:
        head, tail = ("top\n", "") if where == "top" else ("", "bottom\n")
        laptop.edit(name, f"{head}{laptop.body(name)}{tail}")


def test_all_of_them_are_merged(one: Laptop, two: Laptop) -> None:
    for name in _NAMES:
        one.add(name, _TEXT)
        for number in range(3):
            one.edit(name, f"{_TEXT}draft {number}\n")
    one.sync()
    two.sync()
    _edit_all(one, "top")
    _edit_all(two, "bottom")
    one.sync()
    report = two.sync()
    assert (report.counts.merged, report.counts.conflicts) == (7, 0)
    assert report.status.to_send == 0
    one.sync()
    assert one.everything() == two.everything()
    for name in _NAMES:
        body = two.body(name)
        assert body.startswith("top\n")
        assert body.endswith("bottom\n")
