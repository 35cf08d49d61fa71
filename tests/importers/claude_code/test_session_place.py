from hypothesis import given
from hypothesis import strategies as st

from promptvault.importers.claude_code.claude_code_place import Places


@given(
    st.lists(st.tuples(st.binary(max_size=2), st.integers(-1, 9)), max_size=60),
    st.integers(1, 8),
)
def test_first_place_of_each_record_is_found(
    put: list[tuple[bytes, int]], recent: int
) -> None:
    places = Places(recent)
    first: dict[bytes, int] = {}
    for uuid, place in put:
        places.put_new(uuid, place)
        first.setdefault(uuid, place)
    assert {uuid: places.find(uuid) for uuid in first} == first
    assert places.find(b"never put") is None
