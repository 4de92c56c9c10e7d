"""Templates of Jinja2 for pages: `return templates.render("post.html", post=post)`.

Needs the package jinja2 (`waypost[templates]`), which is imported when the first Templates is made. Values are escaped
for HTML in every file but those that are plainly something else (.txt, .md, .json …). Knows no page and no route.
Source: https://jinja.palletsprojects.com/en/stable/api/
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from waypost.errors import StartupError
from waypost.http.file_response import content_type_of
from waypost.http.headers import Headers, HeadersInit
from waypost.http.response import Response

if TYPE_CHECKING:
    from jinja2 import Environment

_PLAIN: Final = (".txt", ".md", ".csv", ".json", ".js", ".css", ".yaml", ".yml", ".toml")


class Templates:
    """The templates of a folder, which may extend and include each other.

    folder: a path, or a name that is looked for beside the file that calls this and in the folders above it, up to the
    one with the pyproject.toml. `environment` is Jinja2's own, for filters, globals and extensions. A file that has
    changed is read anew. Raises StartupError where there is no such folder, or no jinja2.
    """

    environment: Environment

    def __init__(self, folder: str | Path = "templates") -> None:
        caller = sys._getframe(1).f_globals.get("__file__")
        self.folder = _find(Path(folder), None if caller is None else Path(caller).absolute())
        try:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined
        except ImportError:
            raise StartupError(
                "waypost.templates needs jinja2", remedy='Install it: pip install "waypost[templates]"'
            ) from None
        self.environment = Environment(
            loader=FileSystemLoader(self.folder),
            autoescape=_escapes,
            undefined=StrictUndefined,  # a misspelt name is an error with its line, not an empty place in the page
        )

    def render(self, name: str, /, **values: Any) -> str:
        """The text of the template `name`, a path below the folder.

        Raises what Jinja2 raises: TemplateNotFound, TemplateSyntaxError, UndefinedError for a name without a value.
        """
        return self.environment.get_template(name).render(values)

    def response(self, name: str, /, *, status: int = 200, headers: HeadersInit = None, **values: Any) -> Response:
        """The same as a Response, with the content type that the template's name says: for routes, feeds, errors."""
        fields = Headers(headers)
        if not fields.has("content-type"):
            fields.set("content-type", content_type_of(_made(name)))
        return Response(self.render(name, **values), status, fields)


def _made(name: str) -> str:
    """The name of what a template makes."""
    return name.removesuffix(".j2").removesuffix(".jinja")


def _escapes(name: str | None) -> bool:
    return name is None or not _made(name).lower().endswith(_PLAIN)


def _find(folder: Path, caller: Path | None) -> Path:
    start = Path.cwd() if caller is None else caller.parent
    for parent in (start, *start.parents):
        found = parent / folder
        if found.is_dir():
            return found
        if folder.is_absolute() or (parent / "pyproject.toml").is_file():
            break
    raise StartupError(
        f"there is no folder {folder} for templates", file=caller, remedy=f"Make it: {start.name}/{folder}, or above."
    )
