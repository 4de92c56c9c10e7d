"""Judging an entry by the marks of its tags, against a plain model that forgets nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waypost.cache.entry import Entry
from waypost.cache.tags import FOREVER, NONE, UNMARKED, Mark, TagTable, judge, outdated, untouched

ENTRY = Entry(200, (), b"", 0.0, tags=("a",))


def test_marks_younger_than_the_fill_count() -> None:
    assert judge(ENTRY, 5, [Mark(expired=5)], 0, 0) == "fresh"
    assert judge(ENTRY, 5, [Mark(expired=6)], 0, 0) == "gone"
    assert judge(ENTRY, 5, [Mark(staled=6)], 0, 0) == "stale"
    assert judge(ENTRY, 5, [Mark(staled=6, deadline=10)], 0, 9.9) == "stale"
    assert judge(ENTRY, 5, [Mark(staled=6, deadline=10)], 0, 10) == "gone"
    assert judge(ENTRY, 5, [Mark(staled=5, deadline=10)], 0, 10) == "fresh"
    assert judge(ENTRY, 5, [UNMARKED, Mark(staled=6), Mark(expired=6)], 0, 0) == "gone"
    assert judge(ENTRY, 5, [], 6, 0) == "gone"
    assert judge(ENTRY, 5, [], 5, 0) == "fresh"


def test_time_and_tags_together() -> None:
    entry = Entry(200, (), b"", 0.0, revalidate=10, expire=20)
    assert judge(entry, 5, [Mark(staled=6)], 0, 30) == "gone"
    assert judge(entry, 5, [UNMARKED], 0, 15) == "stale"
    assert judge(entry, 5, [Mark(expired=6)], 0, 15) == "gone"


def test_a_mark_keeps_the_earlier_deadline_and_the_later_generation() -> None:
    mark = UNMARKED.revalidated(1, 10, now=0)
    assert mark == Mark(NONE, 1, 10)
    assert mark.revalidated(2, 100, now=5) == Mark(NONE, 2, 10)
    assert mark.revalidated(2, 2, now=5) == Mark(NONE, 2, 7)
    assert mark.revalidated(2, 100, now=10) == Mark(1, 2, 110)
    assert mark.revalidated(2, FOREVER, now=10) == Mark(1, 2, FOREVER)
    assert mark.revalidated(2, 0, now=5) == Mark(2, 1, 10)
    assert mark.latest == 1


def test_what_may_be_stored() -> None:
    assert untouched(5, [UNMARKED, Mark(expired=5), Mark(staled=5)], 5)
    assert not untouched(5, [Mark(expired=6)], 0)
    assert not untouched(5, [Mark(staled=6)], 0)
    assert not untouched(5, [], 6)
    assert outdated(5, [UNMARKED, Mark(staled=6)])
    assert not outdated(5, [UNMARKED, Mark(staled=5)])


steps = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(0, 5), st.sets(st.sampled_from("abcdef"), max_size=3)),
        st.tuples(
            st.just("revalidate"),
            st.sampled_from([0.0, 3.0, FOREVER]),
            st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3),
        ),
        st.tuples(st.just("wait"), st.integers(1, 4), st.just(frozenset())),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 8))
def test_the_table_is_never_fresher_than_the_truth(history: list[tuple[str, float, set[str]]], limit: int) -> None:
    """The model keeps every revalidation; the table may think an entry older than it is, never younger."""
    table, now = TagTable(limit), 0.0
    filled: dict[float, tuple[int, tuple[str, ...], int]] = {}
    happened: list[tuple[float, float, set[str]]] = []
    for what, number, tags in history:
        if what == "fill":
            filled[number] = (table.generation, tuple(sorted(tags)), len(happened))
        elif what == "revalidate":
            table.revalidate(sorted(tags), number, now)
            happened.append((now, number, tags))
        else:
            now += number
        assert len(table) <= limit
        for generation, mine, since in filled.values():
            truth = "fresh"
            for when, stale_for, theirs in happened[since:]:
                if theirs & set(mine):
                    gone = stale_for == 0 or now >= when + stale_for
                    truth = "gone" if gone or truth == "gone" else "stale"
            order = ["fresh", "stale", "gone"]
            state = judge(ENTRY, generation, table.marks(mine), table.floor, now)
            assert order.index(state) >= order.index(truth)
            if limit >= 6 and all(stale_for in (0.0, FOREVER) for _, stale_for, _ in happened):
                assert state == truth  # nothing was forgotten, no deadline was brought forward


def test_forgetting_raises_the_floor() -> None:
    table = TagTable(2)
    for tag in ("a", "b", "a", "c"):
        table.revalidate([tag], 0, 0)
    assert len(table) == 2
    assert table.floor == 2  # b went, as it was the oldest
    assert judge(ENTRY, 1, table.marks(["x"]), table.floor, 0) == "gone"
    assert judge(ENTRY, 2, table.marks(["x"]), table.floor, 0) == "fresh"
