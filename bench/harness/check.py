"""Does a server answer every workload rightly? Asked before anything is measured; a server that errs is left out."""

from __future__ import annotations

import http.client

from harness.process import Running
from harness.servers import Server
from harness.workloads import Answer, Workload


def ask(connection: http.client.HTTPConnection, workload: Workload, headers: dict[str, str] | None = None) -> Answer:
    connection.request(
        workload.method,
        workload.path,
        body=workload.body,
        headers=dict(workload.headers) if headers is None else headers,
    )
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def mistakes(server: Server, running: Running, workloads: list[Workload]) -> list[str]:
    """What is wrong with the server's answers, one line each; empty when all are right.

    Each workload is asked twice on one connection: the second answer must be right as well,
    and the connection must have stayed open.
    """
    found = []
    for workload in workloads:
        if not server.answers(workload):
            continue
        workload = server.asked(workload)  # noqa: PLW2901
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        try:
            mistake = workload.mistake(ask(connection, workload))
            kept = connection.sock
            mistake = mistake or workload.mistake(ask(connection, workload))
            if mistake is None and (kept is None or connection.sock is not kept):
                mistake = "the connection was not kept open"
            if mistake is None and workload.guarded:
                mistake = _unguarded(connection, workload)
        except (OSError, http.client.HTTPException, ValueError) as error:
            mistake = f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        if mistake:
            found.append(f"{workload.name}: {mistake}")
    return found


def _unguarded(connection: http.client.HTTPConnection, workload: Workload) -> str | None:
    status = ask(connection, workload, {}).status
    return None if status == 401 else f"without a token: {status}, not 401"
