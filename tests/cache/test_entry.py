"""The stored form of an entry: it comes back as it was, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.cache.entry import NEVER, CorruptEntryError, Entry, decode_entry, encode_entry

seconds = st.one_of(st.just(NEVER), st.floats(0, 1e10, allow_nan=False))
entries = st.builds(
    Entry,
    status=st.one_of(st.just(0), st.integers(200, 599)),
    headers=st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=200)), max_size=8).map(tuple),
    body=st.binary(max_size=2000),
    created=st.floats(0, 4e9, allow_nan=False),
    revalidate=seconds,
    expire=seconds,
    tags=st.lists(st.text(max_size=60), max_size=8).map(tuple),
)
SAMPLE = Entry(200, ((b"content-type", b"text/plain"),), b"hello" * 50, 1_700_000_000.5, 60.0, NEVER, ("posts", "ü/ß"))


@given(entries)
def test_what_is_stored_comes_back(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


def test_a_lone_surrogate_in_a_tag_comes_back() -> None:
    entry = Entry(200, (), b"", 0.0, tags=("\ud800",))
    assert decode_entry(encode_entry(entry)).tags == ("\ud800",)


def test_every_cut_is_refused() -> None:
    data = encode_entry(SAMPLE)
    for length in range(len(data)):
        with pytest.raises(CorruptEntryError):
            decode_entry(data[:length])


def test_every_changed_byte_is_refused() -> None:
    data = encode_entry(SAMPLE)
    for at in range(len(data)):
        with pytest.raises(CorruptEntryError):
            decode_entry(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(CorruptEntryError):
        decode_entry(noise)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(CorruptEntryError):
        decode_entry(encode_entry(SAMPLE) + b"x")


def test_two_entries_mixed_are_refused() -> None:
    one = encode_entry(SAMPLE)
    other = encode_entry(Entry(200, SAMPLE.headers, b"HELLO" * 50, SAMPLE.created, 60.0, NEVER, SAMPLE.tags))
    assert len(one) == len(other)
    with pytest.raises(CorruptEntryError):
        decode_entry(one[:-30] + other[-30:])


@pytest.mark.parametrize(
    ("age", "state"), [(0, "fresh"), (9.9, "fresh"), (10, "stale"), (29.9, "stale"), (30, "gone"), (-5, "fresh")]
)
def test_state_by_time(age: float, state: str) -> None:
    assert Entry(200, (), b"", 1000.0, revalidate=10, expire=30).state_at(1000.0 + age) == state


def test_an_entry_without_times_stays_fresh() -> None:
    assert Entry(200, (), b"", 0.0).state_at(1e12) == "fresh"


def test_an_entry_that_expires_before_it_is_stale_is_never_stale() -> None:
    entry = Entry(200, (), b"", 0.0, revalidate=10, expire=5)
    assert [entry.state_at(now) for now in (4, 5, 11)] == ["fresh", "gone", "gone"]


def test_an_entry_of_a_shape_that_cannot_be_stored_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="can't be stored"):
        encode_entry(Entry(200, ((b"x" * 70_000, b""),), b"", 0.0))


def test_size_counts_all_parts() -> None:
    assert Entry(200, ((b"ab", b"cde"),), b"fghi", 0.0, tags=("j",)).size == 10
