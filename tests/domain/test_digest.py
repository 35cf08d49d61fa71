"""The digest: equal in spite of what exports change, different otherwise."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from promptvault.domain.digest import digest, normalise

bodies = st.text(st.characters(exclude_categories=["Cs"]))


@given(bodies)
def test_differences_of_exports_do_not_count(body: str) -> None:
    lines = normalise(body).split("\n")
    for variant in (
        "\r\n".join(lines),
        "\r".join(lines),
        " \t\n".join(lines),
        f"\n\n  {body}\n ",
        unicodedata.normalize("NFD", body),
        normalise(body),
    ):
        assert digest(variant) == digest(body)


@given(bodies, bodies)
def test_every_other_difference_counts(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (normalise(one) == normalise(other))


@given(bodies)
def test_what_stands_between_the_ends_of_a_line_counts(body: str) -> None:
    for different in (f"{body}x", f"x{body}", f"x\n{body}", f"{body}\n\nx"):
        assert digest(different) != digest(body)
    assert digest("a  b") != digest("a b")
    assert digest("a\n  b") != digest("a\nb")
    assert digest("a\n\nb") != digest("a\nb")
    assert digest("A") != digest("a")


def test_the_digest_stays_what_vaults_hold() -> None:
    assert digest("Review this code.").hex() == "d77f8dde588b71aabaa85506f0819d98"
