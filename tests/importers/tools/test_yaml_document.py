"""Untrusted YAML: read if it is harmless, refused if it is not."""

import pytest

from promptvault.errors import ImportSourceError
from promptvault.importers.tools import yaml_document
from tests.importers.build import document

LAUGHS = "a0: &a0 [x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 12)}]\n" for n in range(1, 12)
)


def test_values_come_out_and_times_stay_text() -> None:
    data = b"a: 1\nb: [x, true]\nc: 2026-05-01\nd: |-\n  one\n  two\n"
    assert yaml_document.load(document(data)) == {
        "a": 1,
        "b": ["x", True],
        "c": "2026-05-01",
        "d": "one\ntwo",
    }


def test_a_few_anchors_are_fine() -> None:
    assert yaml_document.parse("a: &x text\nb: *x") == {"a": "text", "b": "text"}


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "[" * 200 + "]" * 200,
        "[" * 100_000,
        "[" + "0," * 200_000 + "]",
        "a: *missing",
        "a: !!python/object/apply:os.system ['true']",
        "!!bool maybe",
        "!!int ''",
        "!!timestamp soon",
        "? [a, b]\n: c",
        "a: \x07",
        "a: b\n--- c",
        "'",
    ],
)
def test_what_is_harmful_or_broken_is_refused(text: str) -> None:
    with pytest.raises(ImportSourceError, match="YAML"):
        yaml_document.parse(text)


def test_broken_line_is_reported_without_its_text() -> None:
    with pytest.raises(ImportSourceError, match=r"^it is not valid YAML \(line 2\)$"):
        yaml_document.parse("a: 1\n'secret")


def test_large_file_is_refused() -> None:
    big = document(b"a: " + b"x" * yaml_document.LARGEST, "a.yaml")
    assert not yaml_document.is_yaml(big)
    with pytest.raises(ImportSourceError, match="larger than 1 MiB"):
        yaml_document.load(big)
