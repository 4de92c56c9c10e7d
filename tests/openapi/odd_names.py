"""Models whose fields are called as keywords of JSON Schema, as route files: of pydantic, msgspec and the library."""

from __future__ import annotations

from typing import Final

_FIELDS: Final = """
    properties: dict[str, Any] = {properties}
    required: list[str] = {required}
    default: int = 1
    type: str = "x"
    items: list[int] = {required}
    enum: Literal["a", "b"] = "a"
    allOf: list[dict[str, str]] = {required}
    examples: Nested | None = None
    title: str = "Title"
    mapping: dict[str, str] = {properties}
    discriminator: str = "propertyName"
"""
_PLAIN: Final = _FIELDS.format(properties="{}", required="[]")
_MADE: Final = _FIELDS.format(properties="field(default_factory=dict)", required="field(default_factory=list)")
_HEAD: Final = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Any, Literal
import msgspec
from pydantic import BaseModel, Field
"""
_HANDLERS: Final = """
async def GET() -> list[{name}]:
    return []
async def POST(body: {name}) -> {name}:
    return body
"""

PYDANTIC: Final = f"""{_HEAD}
class Nested(BaseModel):
    default: dict[str, Any] = {{"title": "Default", "properties": {{"properties": True}}}}
class Feature(BaseModel):
    ref: str = Field("x", alias="$ref", examples=[{{"$ref": "https://example.com", "title": "Ref", "properties": 3}}])
{_PLAIN}
{_HANDLERS.format(name="Feature")}"""

MSGSPEC: Final = f"""{_HEAD}
class Nested(msgspec.Struct):
    default: dict[str, str] = {{}}
class Piece(msgspec.Struct):
    ref: str = msgspec.field(name="$ref", default="x")
{_PLAIN}
{_HANDLERS.format(name="Piece")}"""

DATACLASS: Final = f"""{_HEAD}
@dataclass
class Nested:
    default: dict[str, str] = field(default_factory=dict)
@dataclass
class Part:
{_MADE}
{_HANDLERS.format(name="Part")}"""

FILES: Final = {
    "app/api/odd/pydantic/route.py": PYDANTIC,
    "app/api/odd/msgspec/route.py": MSGSPEC,
    "app/api/odd/dataclass/route.py": DATACLASS,
}
