from __future__ import annotations

import asyncio
import gc
import logging
import time
import weakref

import pytest

from waypost.errors import AbortError
from waypost.http.signal import AbortController, AbortEvent, AbortSignal


def test_a_signal_says_once_that_it_was_aborted():
    controller = AbortController()
    signal = controller.signal
    assert (signal.aborted, signal.reason) == (False, None)
    signal.throw_if_aborted()
    controller.abort("first")
    controller.abort("second")
    assert (signal.aborted, signal.reason) == (True, "first")


def test_the_default_reason_is_an_abort_error():
    controller = AbortController()
    controller.abort()
    assert isinstance(controller.signal.reason, AbortError)
    with pytest.raises(AbortError):
        controller.signal.throw_if_aborted()


def test_throw_if_aborted_raises_the_reason_itself_or_wraps_it():
    with pytest.raises(ZeroDivisionError):
        AbortSignal.abort(ZeroDivisionError()).throw_if_aborted()
    with pytest.raises(AbortError, match="gone"):
        AbortSignal.abort("gone").throw_if_aborted()


def test_listeners_are_called_once_in_order_with_the_event_or_with_nothing():
    controller = AbortController()
    calls: list[object] = []
    controller.signal.add_event_listener("abort", calls.append)
    controller.signal.add_event_listener("abort", lambda: calls.append("bare"))
    controller.signal.add_event_listener("abort", lambda event, extra=1: calls.append(event.type), once=True)
    controller.abort()
    controller.abort()
    assert calls == [AbortEvent(controller.signal), "bare", "abort"]
    assert calls[0].target is controller.signal


def test_the_same_listener_is_kept_once_and_can_be_removed():
    controller = AbortController()
    calls: list[int] = []

    def listener():
        calls.append(1)

    def other():
        calls.append(2)

    for each in (listener, listener, other):
        controller.signal.add_event_listener("abort", each)
    controller.signal.remove_event_listener("abort", other)
    controller.signal.remove_event_listener("abort", other)
    controller.abort()
    assert calls == [1]


def test_other_events_and_late_listeners_are_never_called():
    controller = AbortController()
    calls: list[object] = []
    controller.signal.add_event_listener("click", calls.append)
    controller.abort()
    controller.signal.add_event_listener("abort", calls.append)
    assert calls == []


def test_on_abort_is_a_decorator_and_calls_late_ones_at_once():
    controller = AbortController()
    calls: list[str] = []

    @controller.signal.on_abort
    def listener():
        calls.append("early")

    controller.abort()
    controller.signal.on_abort(lambda: calls.append("late"))
    assert calls == ["early", "late"]
    assert listener is not None


def test_a_failing_listener_is_logged_and_stops_no_other(caplog):
    controller = AbortController()
    calls: list[int] = []
    controller.signal.on_abort(lambda: 1 / 0)
    controller.signal.on_abort(lambda: calls.append(1))
    with caplog.at_level(logging.ERROR):
        controller.abort()
    assert calls == [1]
    assert "ZeroDivisionError" in caplog.text


def test_a_listener_may_be_a_coroutine_function(caplog):
    async def main():
        controller = AbortController()
        done = asyncio.Event()

        async def listener(event):
            await asyncio.sleep(0)
            done.set()

        async def broken():
            raise ZeroDivisionError

        controller.signal.on_abort(listener)
        controller.signal.on_abort(broken)
        controller.abort()
        await asyncio.wait_for(done.wait(), 1)

    asyncio.run(main())
    assert "ZeroDivisionError" in caplog.text


def test_wait_returns_the_reason_to_everyone():
    async def main():
        controller = AbortController()
        waiting = [asyncio.create_task(controller.signal.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        controller.abort("bye")
        assert await asyncio.gather(*waiting[1:]) == ["bye", "bye"]
        assert await controller.signal.wait() == "bye"
        assert waiting[0].cancelled()

    asyncio.run(main())


def test_timeout_aborts_with_a_timeout_error():
    async def main():
        start = time.perf_counter()
        signal = AbortSignal.timeout(20)
        assert not signal.aborted
        reason = await signal.wait()
        assert isinstance(reason, TimeoutError)
        assert time.perf_counter() - start >= 0.019

    asyncio.run(main())


def test_timeout_needs_a_loop():
    with pytest.raises(RuntimeError):
        AbortSignal.timeout(1)


def test_any_follows_the_first_of_its_signals():
    one, two = AbortController(), AbortController()
    calls: list[object] = []
    combined = AbortSignal.any([one.signal, two.signal])
    combined.on_abort(lambda: calls.append(combined.reason))
    two.abort("two")
    one.abort("one")
    assert calls == ["two"]
    assert AbortSignal.any([one.signal, two.signal]).reason == "one"
    assert not AbortSignal.any([]).aborted


def test_any_of_any():
    controller = AbortController()
    outer = AbortSignal.any([AbortSignal.any([controller.signal])])
    calls: list[int] = []
    outer.on_abort(lambda: calls.append(1))
    gc.collect()
    controller.abort("deep")
    assert (outer.reason, calls) == ("deep", [1])


def test_a_combined_signal_with_a_listener_lives_as_long_as_its_source():
    controller = AbortController()
    calls: list[int] = []
    AbortSignal.any([controller.signal]).on_abort(lambda: calls.append(1))
    gc.collect()
    controller.abort()
    assert calls == [1]


def test_a_long_lived_signal_keeps_no_combined_signal_that_nobody_listens_to():
    controller = AbortController()

    def listener():
        pass

    def make():
        combined = AbortSignal.any([controller.signal])
        combined.on_abort(listener)
        combined.remove_event_listener("abort", listener)
        return weakref.ref(combined)

    left = make()
    gc.collect()
    assert left() is None


def test_a_combined_signal_is_let_go_by_its_other_sources_once_it_was_aborted():
    async def main():
        stays, leaves = AbortController(), AbortController()
        combined = AbortSignal.any([stays.signal, leaves.signal])
        waiting = asyncio.create_task(combined.wait())
        await asyncio.sleep(0)
        leaves.abort()
        await waiting
        left = weakref.ref(combined)
        del combined, waiting
        gc.collect()
        assert left() is None

    asyncio.run(main())
