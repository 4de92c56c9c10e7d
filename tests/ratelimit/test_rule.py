from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import StartupError
from waypost.ratelimit.rule import Rule, State, decide, expiry

ALGORITHMS = ("sliding-window", "fixed-window", "token-bucket")

steps = st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 3)), max_size=120)


def run(rule: Rule, hits: list[tuple[int, int]], start: int = 10**15) -> list[tuple[int, int]]:
    """(time, cost) of the hits that passed; hits: (pause before it, cost)."""
    now, state, passed = start, None, []
    for pause, cost in hits:
        now += pause
        decision, state = decide(rule, state, now, cost)
        if decision.allowed:
            passed.append((now, cost))
    return passed


@given(steps, st.integers(3, 20), st.sampled_from([0.001, 0.1, 1.0, 0.7777]))
def test_no_sliding_window_holds_more_than_the_limit(hits: list[tuple[int, int]], limit: int, window: float) -> None:
    rule = Rule.of("sliding-window", limit, window)
    passed = run(rule, hits)
    for time, _ in passed:
        assert sum(cost for other, cost in passed if time <= other < time + rule.window_us) <= limit


def test_no_sliding_window_of_a_large_limit_holds_more() -> None:
    rule = Rule.of("sliding-window", 1000, 1.0)
    chance = random.Random(7)
    passed = run(rule, [(chance.choice((0, 1, 37, 900, 2_000)), 1) for _ in range(20_000)])
    times = [time for time, _ in passed]
    start = 0
    for end, time in enumerate(times):
        while times[start] <= time - rule.window_us:
            start += 1
        assert end - start + 1 <= 1000
    assert 1000 < len(times) < 20_000, "it refuses some and goes on"


@given(steps, st.sampled_from(ALGORITHMS), st.integers(3, 150), st.integers(1, 3))
def test_the_wait_is_exact(hits: list[tuple[int, int]], algorithm: Any, limit: int, cost: int) -> None:
    """Refused one microsecond earlier, passed at the moment that was named."""
    rule = Rule.of(algorithm, limit, 0.5)
    now, state = 10**15, None
    for pause, paid in hits:
        now += pause // 20
        _, state = decide(rule, state, now, paid)
    decision, state = decide(rule, state, now, cost)
    if decision.allowed:
        assert decision.retry_us == 0
    else:
        assert not decide(rule, list(state), now + decision.retry_us - 1, cost)[0].allowed
        assert decide(rule, list(state), now + decision.retry_us, cost)[0].allowed


@given(steps, st.sampled_from(ALGORITHMS), st.integers(3, 150))
def test_remaining_is_what_still_passes(hits: list[tuple[int, int]], algorithm: Any, limit: int) -> None:
    rule = Rule.of(algorithm, limit, 0.5)
    now, state = 10**15, None
    for pause, cost in hits:
        now += pause // 20
        decision, state = decide(rule, state, now, cost)
        assert 0 <= decision.remaining <= limit
        if decision.remaining:
            assert decide(rule, list(state), now, decision.remaining)[0].allowed
        if decision.remaining < limit:
            assert not decide(rule, list(state), now, decision.remaining + 1)[0].allowed


@given(steps, st.sampled_from(ALGORITHMS), st.integers(3, 150))
def test_after_the_reset_all_is_new(hits: list[tuple[int, int]], algorithm: Any, limit: int) -> None:
    rule = Rule.of(algorithm, limit, 0.5)
    now, state = 10**15, None
    for pause, cost in hits:
        now += pause // 20
        decision, state = decide(rule, state, now, cost)
        later = now + decision.reset_us
        assert expiry(rule, state) == later
        assert decide(rule, list(state), later, limit)[0].allowed


def test_a_token_bucket_refills_evenly() -> None:
    rule = Rule.of("token-bucket", 10, "10s")
    passed = run(rule, [(0, 1)] * 15 + [(1_000_000, 1), (0, 1), (500_000, 1), (500_000, 1)])
    assert [time - 10**15 for time, _ in passed] == [0] * 10 + [1_000_000, 2_000_000]


def test_a_fixed_window_begins_with_its_first_hit() -> None:
    rule = Rule.of("fixed-window", 2, "1m")
    decision, _ = decide(rule, None, 10**15, 1)
    assert decision.reset_us == 60_000_000
    assert run(rule, [(0, 1), (59_000_000, 1), (0, 1), (999_999, 1), (1, 1)])[-1][0] == 10**15 + 60_000_000


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_clock_that_steps_back_admits_nothing_extra(algorithm: Any) -> None:
    rule = Rule.of(algorithm, 5, "1s")
    state: State | None = None
    passed = 0
    for step in range(200):
        decision, state = decide(rule, state, 10**15 - step * 10_000, 1)
        passed += decision.allowed
    assert 4 <= passed <= 5


def test_a_key_stays_small() -> None:
    for limit in (100, 100_000):
        rule = Rule.of("sliding-window", limit, "1h")
        now, state = 10**15, None
        for _ in range(3000):
            now += 1_700_000
            _, state = decide(rule, state, now, 1)
        assert len(state) <= 204


@pytest.mark.parametrize(
    ("window", "microseconds"),
    [("500ms", 500_000), ("10s", 10**7), ("1m", 6 * 10**7), ("2 h", 7_200 * 10**6), ("1d", 86_400 * 10**6),
     ("1.5s", 1_500_000), (60, 6 * 10**7), (0.25, 250_000)],
)  # fmt: skip
def test_windows(window: Any, microseconds: int) -> None:
    assert Rule.of("fixed-window", 1, window).window_us == microseconds


@pytest.mark.parametrize(
    "window",
    ["", "10", "s", "-1s", "1y", "0s", 0, -1, True, None, float("nan"), float("inf"), "1e3s", "٣s", 10**12],
)
def test_windows_that_are_none(window: Any) -> None:
    with pytest.raises(StartupError):
        Rule.of("fixed-window", 1, window)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None, "10", 10**12])
def test_limits_that_are_none(limit: Any) -> None:
    with pytest.raises(StartupError):
        Rule.of("fixed-window", limit, 1)
    with pytest.raises(StartupError):
        Rule.of("leaky", 1, 1)  # type: ignore[arg-type]  # what a user may write
