"""Load middleware: the project's middleware.py or proxy.py, those of folders, and the lists of single routes.

Here names, signatures and `config` are read and every mistake is a StartupError; layers.py folds what comes out.
Source: Next.js, Proxy (formerly Middleware), file convention.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CoroutineType, ModuleType
from typing import Any, Final, cast

from waypost.app.binding import adapted, is_async, line_of
from waypost.app.layers import Layer
from waypost.app.matching import Matcher, read_config
from waypost.config import Config
from waypost.errors import StartupError
from waypost.routing.load import load_module
from waypost.routing.source import Source

#: File name → the name of its function.
FILES: Final[Mapping[str, str]] = {"middleware.py": "middleware", "proxy.py": "proxy"}

_SCRIPTS: Final = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs")
_FORMS: Final = "Write `async def {name}(request)`, or `async def {name}(request, next)` to wrap what follows."


@dataclass(frozen=True, slots=True)
class RootMiddleware:
    """The project's own middleware. file: None when there is none; matcher: None when it covers everything."""

    file: Path | None = None
    layers: tuple[Layer, ...] = ()
    matcher: Matcher | None = None
    errors: tuple[StartupError, ...] = ()
    warnings: tuple[StartupError, ...] = field(default=())


def load_root(config: Config) -> RootMiddleware:
    """Load the middleware.py or proxy.py beside `app/`.

    Raises nothing. Where it can't be used, its one layer raises the error: in dev a guard that is broken lets nobody
    pass.
    """
    folder = config.source_dir
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    files = [folder / name for name in FILES if name in names and (folder / name).is_file()]
    errors = list(_misplaced(config, names))
    warnings = [_script(folder / name) for name in sorted(names) if _is_script(name)]
    if len(files) > 1:
        remedy = "They are two names of the same thing: keep one."
        errors.append(StartupError("the project has middleware.py and proxy.py", file=files[0], remedy=remedy))
    matcher: Matcher | None = None
    layers: tuple[Layer, ...] = ()
    if files and not errors:
        try:
            module = load_module(files[0], config.app_dir)
            _check_place(module, files[0])
            layers, matcher = read_module(vars(module), files[0], config.base_path)
        except StartupError as error:
            errors.append(error)
    if errors:
        layers, matcher = (_broken(errors[0]),), None
    return RootMiddleware(files[0] if files else None, layers, matcher, tuple(errors), tuple(warnings))


def _misplaced(config: Config, names: Iterable[str]) -> Iterable[StartupError]:
    """Files that were surely meant to be the middleware and would not run."""
    for name in names:
        if name.lower() in FILES and name not in FILES:
            remedy = f"Rename it to {name.lower()}: names are compared with their case."
            yield StartupError(f"{name} is not read", file=config.source_dir / name, remedy=remedy)
    if config.source_dir != config.root:
        for name in FILES:
            if (config.root / name).is_file():
                message = f"{name} is not read: the code of this project is in {config.source_dir.name}/"
                remedy = f"Move it to {config.source_dir.name}/{name}."
                yield StartupError(message, file=config.root / name, remedy=remedy)


def _is_script(name: str) -> bool:
    path = Path(name)
    return path.suffix in _SCRIPTS and f"{path.stem}.py" in FILES


def _script(file: Path) -> StartupError:
    return StartupError(f"{file.name} is not read", file=file, remedy=f"Port it to {file.stem}.py.")


def _check_place(module: ModuleType, file: Path) -> None:
    found = getattr(module, "__file__", None)
    if found is None or Path(found).resolve() != file.resolve():
        message = f"the name {file.stem} is taken by another module, {found}"
        other = next(name for name in FILES if name != file.name)
        raise StartupError(message, file=file, remedy=f"Call the file {other}, or that module something else.")


def _broken(error: StartupError) -> Layer:
    async def refuse(request: object) -> None:
        raise error.with_traceback(None)  # one object for all requests: each would add its frames to it

    return Layer(refuse, False, "the project's middleware")


def read_module(names: Mapping[str, object], file: Path, base_path: str) -> tuple[tuple[Layer, ...], Matcher | None]:
    """The layers of a middleware file and its matcher. Raises StartupError."""
    source = Source(file)
    name = FILES[file.name]
    if name not in names:
        raise _nameless(names, source, name)
    matcher: Matcher | None = None
    config = names.get("config")
    # A settings object that the file imports under this name is no matcher.
    if "config" in names and (isinstance(config, Mapping) or source.defines("config")):
        matcher = read_config(config, base_path=base_path, file=file, line=source.line("config"))
    return read_functions(names[name], name, source), matcher


def _nameless(names: Mapping[str, object], source: Source, name: str) -> StartupError:
    own = [other for other, value in names.items() if inspect.isfunction(value) and source.defines(other)]
    likely = [other for other in own if other.lower() in (*FILES.values(), "default", "handler", "main")] or own
    message = f"this file has no function called {name}"
    remedy = _FORMS.format(name=name)
    if len(likely) == 1:
        line = source.line(likely[0])
        return StartupError(message, file=source.file, line=line, remedy=f"Rename {likely[0]} to {name}.")
    return StartupError(message, file=source.file, remedy=remedy)


def read_functions(value: object, name: str, source: Source) -> tuple[Layer, ...]:
    """The layers of one function or a list of them, outermost first. Raises StartupError."""
    functions = list(cast("Iterable[object]", value)) if isinstance(value, list | tuple) else [value]
    return tuple(_layer(function, name, source) for function in functions)


def _layer(function: object, name: str, source: Source) -> Layer:
    line = source.line(name)

    def wrong(message: str, remedy: str = "") -> StartupError:
        own = line_of(function) if callable(function) and source.defines(name) else None
        return StartupError(message, file=source.file, line=own or line, remedy=remedy or _FORMS.format(name=name))

    if isinstance(function, CoroutineType):
        function.close()  # otherwise Python warns on top of this report
        raise wrong(f"{name} is a coroutine, not a function", "Remove the parentheses: the function, not its call.")
    if not callable(function) or isinstance(function, type):
        raise wrong(f"{name} is no function but {type(function).__name__} {function!r:.60}")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise wrong(f"{name} is a generator: it yields, and never returns a response")
    wraps = _wraps(function, name, wrong)
    label = getattr(function, "__name__", type(function).__name__)
    ending = getattr(function, "__waypost_ending__", None) if wraps else None
    additions = getattr(function, "__waypost_additions__", None)
    return Layer(_callable(function, wraps), wraps, f"{label} in {source.file}", ending=ending, additions=additions)


def _wraps(function: Callable[..., Any], name: str, wrong: Callable[..., StartupError]) -> bool:
    """Whether the function takes (request, next)."""
    parameters = list(inspect.signature(function).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        remedy = "Put @functools.wraps(function) on the wrapper, so that the function's own arguments are seen."
        raise wrong(f"{name} takes any arguments, so its form can't be told", remedy)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    extra = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    extra += [p for p in positional[2:] if p.default is p.empty]
    if not positional:
        raise wrong(f"{name} takes no request")
    if extra:
        raise wrong(f"{name} can't be called: nothing provides its argument {extra[0].name!r}")
    if len(positional) == 1:
        return False
    second = positional[1]
    if second.name in ("event", "ev"):
        raise wrong(f"{name} has no event", "Use waypost.after() for work that goes on when the response is sent.")
    if second.name in ("context", "ctx"):
        raise wrong(f"{name} has no context: it runs before a route is chosen")
    return second.default is second.empty or second.name in ("next", "call_next")


def _callable(function: Callable[..., Any], wraps: bool) -> Callable[..., Any]:
    """An async callable. A plain function may block and runs in a worker thread, unless it wraps what follows."""
    if is_async(function):
        return function
    if not wraps:
        return adapted(function)

    async def call(request: object, following: object) -> Any:
        value = function(request, following)
        return await value if value.__class__ is CoroutineType or inspect.isawaitable(value) else value

    return call


class FolderMiddleware:
    """The middleware.py files below `app/`, each loaded once."""

    def __init__(self, config: Config, files: Iterable[Path]) -> None:
        self._config = config
        self._loaded: dict[Path, tuple[Layer, ...] | StartupError] = {}
        for file in files:
            self._layers(file)

    @property
    def errors(self) -> list[StartupError]:
        """The mistakes in the files."""
        return [found for found in self._loaded.values() if isinstance(found, StartupError)]

    def layers(self, files: Iterable[Path]) -> tuple[Layer, ...]:
        """The layers of these files. Raises the StartupError of the first that can't be used."""
        found = [self._layers(file) for file in files]
        for layers in found:
            if isinstance(layers, StartupError):
                raise layers
        return tuple(layer for layers in found if not isinstance(layers, StartupError) for layer in layers)

    def _layers(self, file: Path) -> tuple[Layer, ...] | StartupError:
        if file not in self._loaded:
            try:
                names = vars(load_module(file, self._config.app_dir))
                layers, matcher = read_module(names, file, self._config.base_path)
                covers = None if matcher is None else matcher.covers
                self._loaded[file] = tuple(replace(layer, covers=covers) for layer in layers)
            except StartupError as error:
                self._loaded[file] = error
        return self._loaded[file]


def route_layers(names: Mapping[str, object], file: Path) -> tuple[Layer, ...]:
    """The layers that a route file lists as `middleware`. Raises StartupError."""
    value = names.get("middleware")
    if value is None or isinstance(value, ModuleType):
        return ()
    return read_functions(value, "middleware", Source(file))
