from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.app.project import make_application

from waypost.testing import Client

FILES = {
    "app/posts/[id]/route.py": "async def GET(): return {}\nasync def POST(): raise ValueError('x')\n",
}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture(scope="module")
def reader() -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


def test_spans_and_metrics_carry_the_pattern(
    tmp_path: Path, spans: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    with Client(make_application(tmp_path, FILES)) as client:
        client.get("/posts/7?q=1", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "user-agent": "test"})
        client.post("/posts/8")
        client.get("/nope")
        client.request("MADEUP", "/posts/7", headers={"host": "shop.example:8080"})
    got, failed, missing, other = spans.get_finished_spans()
    assert got.name == "GET /posts/[id]"
    assert got.context is not None
    assert f"{got.context.trace_id:032x}" == TRACE
    assert dict(got.attributes or {}) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "url.path": "/posts/7",
        "url.query": "q=1",
        "server.address": "testserver",
        "client.address": "127.0.0.1",
        "user_agent.original": "test",
        "http.response.status_code": 200,
        "http.route": "/posts/[id]",
    }
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "500"
    assert missing.name == "GET"
    assert other.name == "_OTHER /posts/[id]"
    named = ("server.address", "server.port", "http.request.method", "http.request.method_original")
    assert [(other.attributes or {})[name] for name in named] == ["shop.example", 8080, "_OTHER", "MADEUP"]
    data = reader.get_metrics_data()
    assert data is not None
    found = {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}
    points = found["http.server.request.duration"].data.data_points
    assert {(point.attributes or {}).get("http.route") for point in points} == {"/posts/[id]", None}
    assert points[0].explicit_bounds[0] == 0.005
    assert all(point.value == 0 for point in found["http.server.active_requests"].data.data_points)


def test_it_can_be_switched_off(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    spans.clear()
    with Client(make_application(tmp_path, FILES, telemetry=False)) as client:
        assert client.get("/posts/7").status == 200
    assert spans.get_finished_spans() == ()


def test_a_websocket_is_a_span_up_to_its_acceptance(
    tmp_path: Path, spans: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    code = """
from opentelemetry import trace

async def WEBSOCKET(socket):
    await socket.accept()
    with trace.get_tracer("own").start_as_current_span("said"):
        await socket.send(await socket.receive())
"""
    spans.clear()
    application = make_application(tmp_path, {"app/rooms/[room]/route.py": code})
    with Client(application) as client, client.websocket("/rooms/a") as socket:
        (handshake,) = spans.get_finished_spans()
        assert handshake.name == "GET /rooms/[room]"
        assert (handshake.attributes or {})["http.response.status_code"] == 101
        assert handshake.status.status_code is not trace.StatusCode.ERROR
        socket.send("x")
        assert socket.receive() == "x"
    said = spans.get_finished_spans()[1]
    assert handshake.context is not None
    assert said.parent is not None
    assert said.parent.span_id == handshake.context.span_id
