"""Plans → one coroutine for each route and verb: straight code, written once at start-up.

The code is kept where tracebacks and debuggers look for it. In the order of the signature each value is made; what
the client got wrong in one of them is gathered for all of them, and then raised as one.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from waypost.app.arguments import Plan, Read
from waypost.app.context import Context
from waypost.errors import HTTPError, Issue, ValidationFailed
from waypost.http.request import Request

Call: TypeAlias = Callable[..., Any]
Respond: TypeAlias = Callable[[Any], Any]

_FROM_SCOPE = ("scope", "    params = scope.params\n", "    context = make_context(params)\n")
_FROM_CONTEXT = ("context", "    params = context.params\n", "")


def write_endpoint(
    call: Call, plans: Sequence[Plan], respond: Respond | None, name: str, *, inside: bool
) -> Callable[..., Any]:
    """The coroutine function that makes the arguments and calls `call`, which must be async.

    name: "POST /api/posts". respond: makes a response of what comes back. inside: it stands inside of wrappers and is
    called with (request, context); otherwise with (request, scope).
    """
    values: dict[str, Any] = {
        "call": call, "respond": respond, "make_context": Context, "ValidationFailed": ValidationFailed,
    }  # fmt: skip
    second, get_params, get_context = _FROM_CONTEXT if inside else _FROM_SCOPE
    code = "".join(plan.expression for plan in plans)
    lines = [f"async def endpoint(request, {second}):\n"]
    if "params" in code or "context" in code or sum(plan.read is not None for plan in plans) > 1:
        lines.append(get_params)
    if "context" in code:
        lines.append(get_context)
    reads = [plan.read for plan in plans if plan.read is not None]
    made = [f"a{place} = {plan.expression}\n" for place, plan in enumerate(plans) if plan.expression != "request"]
    if len(reads) > 1:
        values["gather"] = gather_with(reads)
        lines += ["    try:\n", *(f"        {line}" for line in made)]
        lines.append("    except ValidationFailed as failure:\n")
        lines.append("        raise await gather(request, params, failure) from None\n")
    else:
        lines += [f"    {line}" for line in made]
    for plan in plans:
        values |= plan.values
    result = f"await call({', '.join(_passed(place, plan) for place, plan in enumerate(plans))})"
    lines.append(f"    return {result}\n" if respond is None else f"    return respond({result})\n")
    return _compiled("".join(lines), values, f"<waypost: the arguments of {name}>")


def _passed(place: int, plan: Plan) -> str:
    value = "request" if plan.expression == "request" else f"a{place}"
    return f"{plan.argument.name}={value}" if plan.argument.by_keyword else value


def _compiled(source: str, values: dict[str, Any], filename: str) -> Callable[..., Any]:
    # Of the project nothing is in the text but names of arguments, and names of folders as literals.
    exec(compile(source, filename, "exec"), values)
    # None for the time of change: linecache then never looks for such a file.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    endpoint: Callable[..., Any] = values["endpoint"]
    return endpoint


def gather_with(reads: Sequence[Read]) -> Callable[..., Any]:
    """What reads all arguments again once one has failed, and gives the issues of all as one ValidationFailed."""

    async def gather(request: Request, params: Mapping[str, Any], failure: ValidationFailed) -> HTTPError:
        issues: list[Issue] = []
        for read in reads:
            try:
                value = read(request, params)
                if inspect.isawaitable(value):
                    await value
            except ValidationFailed as error:
                issues += error.issues
            except HTTPError as error:
                # A body that can't be read at all is said before anything about its neighbours.
                return error
        return ValidationFailed(issues or failure.issues)

    return gather
