"""What a User-Agent header says: browser, engine, system, device, processor, and whether it calls itself a robot.

A short list of what is common, not a catalogue; everything in it is a claim of the client and no proof.
Source: Next.js, userAgent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

_LONGEST = 500  # characters that are looked at; no true one is longer

_BOT = re.compile(
    r"(?<!cu)bot\b|(?<!cu)bot[/_-]|crawl|spider|slurp|mediapartners|google-(?:pagerenderer|inspectiontool|extended)|"
    r"bingpreview|facebookexternalhit|facebookcatalog|whatsapp/|skypeuripreview|ia_archiver|vkshare|"
    r"\byandex(?!browser)[a-z]+|link preview|lighthouse",
    re.IGNORECASE,
)

# The first that is found names the browser: nearly all also claim to be Chrome or Safari.
_BROWSERS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Edge", r"\bEdg(?:e|A|iOS)?/([\d.]+)"),
        ("Opera", r"\bOPR/([\d.]+)"),
        ("Samsung Internet", r"\bSamsungBrowser/([\d.]+)"),
        ("Yandex", r"\bYaBrowser/([\d.]+)"),
        ("Vivaldi", r"\bVivaldi/([\d.]+)"),
        ("Firefox", r"\b(?:Firefox|FxiOS)/([\d.]+)"),
        ("Chrome Headless", r"\bHeadlessChrome/([\d.]+)"),
        ("Chrome WebView", r"; wv\).*\bChrome/([\d.]+)"),
        ("Chrome", r"\b(?:Chrome|CriOS)/([\d.]+)"),
        ("Mobile Safari", r"\bVersion/([\d.]+) Mobile/\S+ Safari/"),
        ("Safari", r"\bVersion/([\d.]+) Safari/"),
        ("IE", r"\b(?:MSIE |Trident/.*rv:)([\d.]+)"),
    )
)
_ENGINES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("EdgeHTML", r"\bEdge/([\d.]+)"),
        ("Blink", r"\b(?:Headless)?Chrome/([\d.]+)"),
        ("WebKit", r"\bAppleWebKit/([\d.]+)"),
        ("Trident", r"\bTrident/([\d.]+)"),
        ("Gecko", r"\brv:([\d.]+)\) Gecko/"),
    )
)
_SYSTEMS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Windows", r"\bWindows NT ([\d.]+)"),
        ("iOS", r"\b(?:iPhone|CPU) OS ([\d_]+)"),
        ("Mac OS", r"\bMac OS X ?([\d_.]*)"),
        ("Android", r"\bAndroid ?([\d.]*)"),
        ("Chromium OS", r"\bCrOS \S+ ([\d.]+)"),
        ("Linux", r"\bLinux()\b"),
    )
)
_WINDOWS = {"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.1": "XP"}
_PROCESSORS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("amd64", r"\b(?:x86_64|x64|amd64|win64|wow64)\b"),
        ("arm64", r"\b(?:aarch64|arm64)\b"),
        ("arm", r"\barmv?[5-8]"),
        ("ia32", r"\bi[3-6]86\b"),
    )
)
_ANDROID_MODEL = re.compile(r"\bAndroid[^;)]*; (?:[a-z]{2}-[a-z]{2}; )?([^;)]+?)(?: Build/[^;)]*)?[;)]")
_VENDORS = (("SM-", "Samsung"), ("Pixel", "Google"), ("Nexus", "Google"), ("moto", "Motorola"), ("Redmi", "Xiaomi"))


class Browser(msgspec.Struct, frozen=True, omit_defaults=True):
    """name and version as the browser writes them; major: the version up to the first dot."""

    name: str | None = None
    version: str | None = None
    major: str | None = None


class Engine(msgspec.Struct, frozen=True, omit_defaults=True):
    """The layout engine: Blink, WebKit, Gecko …"""

    name: str | None = None
    version: str | None = None


class System(msgspec.Struct, frozen=True, omit_defaults=True):
    """The operating system. Browsers freeze these versions: Windows 11 says 10, every Mac says 10.15.7."""

    name: str | None = None
    version: str | None = None


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """type: "mobile" or "tablet", None for desktops and what is not known."""

    model: str | None = None
    type: str | None = None
    vendor: str | None = None


class Processor(msgspec.Struct, frozen=True, omit_defaults=True):
    """architecture: "amd64", "arm64", "arm" or "ia32"."""

    architecture: str | None = None


class UserAgent(msgspec.Struct, frozen=True):
    """What `user_agent` found; whatever it did not find is None, and left out of JSON."""

    is_bot: bool
    ua: str
    browser: Browser
    engine: Engine
    os: System
    device: Device
    cpu: Processor


class HasHeaders(Protocol):
    """A request, as far as this module is concerned."""

    @property
    def headers(self) -> _Fields: ...


class _Fields(Protocol):
    def get(self, name: str, /) -> str | None: ...


def user_agent(source: HasHeaders | _Fields | Mapping[str, str]) -> UserAgent:
    """What the User-Agent of a request, or of its headers, says.

    A plain dict is asked for "user-agent". Takes time linear in the header, of which 500 characters are read.
    """
    fields: Any = getattr(source, "headers", source)
    ua: str = fields.get("user-agent") or ""
    text = ua[:_LONGEST]
    name, version = _first(_BROWSERS, text)
    return UserAgent(
        is_bot=_BOT.search(text) is not None,
        ua=ua,
        browser=Browser(name, version, version.partition(".")[0] if version else None),
        engine=Engine(*_first(_ENGINES, text)),
        os=_system(text),
        device=_device(text),
        cpu=Processor(next((name for name, pattern in _PROCESSORS if pattern.search(text)), None)),
    )


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> tuple[str | None, str | None]:
    for name, pattern in table:
        found = pattern.search(text)
        if found is not None:
            return name, found[1] or None
    return None, None


def _system(text: str) -> System:
    name, version = _first(_SYSTEMS, text)
    if version is not None:
        version = _WINDOWS.get(version, version) if name == "Windows" else version.replace("_", ".")
    return System(name, version)


def _device(text: str) -> Device:
    if "iPad" in text:
        return Device("iPad", "tablet", "Apple")
    if "iPhone" in text or "iPod" in text:
        return Device("iPhone" if "iPhone" in text else "iPod", "mobile", "Apple")
    if "Macintosh" in text:
        return Device("Macintosh", None, "Apple")
    if "Android" not in text:
        return Device()
    kind = "mobile" if "Mobile" in text else "tablet"
    found = _ANDROID_MODEL.search(text)
    model = found[1] if found is not None else None
    if model is None or model in ("K", "Mobile", "Tablet", "wv"):  # K is what Chrome says of every device
        return Device(None, kind, None)
    return Device(model, kind, next((vendor for start, vendor in _VENDORS if model.startswith(start)), None))
