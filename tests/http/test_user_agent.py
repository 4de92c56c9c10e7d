from __future__ import annotations

import time
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.headers import Headers
from waypost.http.user_agent import UserAgent, user_agent

KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"


def asked(text: str) -> UserAgent:
    return user_agent({"user-agent": text})


@pytest.mark.parametrize(
    ("text", "browser", "system", "device"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/126.0.0.0 Safari/537.36",
         ("Chrome", "126"), ("Windows", "10"), (None, None, None)),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.56",
         ("Edge", "126"), ("Windows", "10"), (None, None, None)),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
         ("Safari", "17"), ("Mac OS", "10.15.7"), ("Macintosh", None, "Apple")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.5 Mobile/15E148 Safari/604.1",
         ("Mobile Safari", "17"), ("iOS", "17.5.1"), ("iPhone", "mobile", "Apple")),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 "
         "Mobile/15E148 Safari/604.1",
         ("Chrome", "126"), ("iOS", "16.6"), ("iPad", "tablet", "Apple")),
        (f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {KIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
         ("Samsung Internet", "25"), ("Android", "14"), ("SM-S921B", "mobile", "Samsung")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {KIT} Chrome/126.0.0.0 Mobile Safari/537.36",
         ("Chrome", "126"), ("Android", "10"), (None, "mobile", None)),
        (f"Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A; wv) {KIT} Version/4.0 Chrome/126.0.0.0 Safari/537.36",
         ("Chrome WebView", "126"), ("Android", "13"), ("Pixel 7", "tablet", "Google")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
         ("Firefox", "127"), ("Linux", None), (None, None, None)),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
         ("IE", "11"), ("Windows", "7"), (None, None, None)),
        ("curl/8.5.0", (None, None), (None, None), (None, None, None)),
        ("", (None, None), (None, None), (None, None, None)),
    ],
)  # fmt: skip
def test_common_browsers(text, browser, system, device):
    found = asked(text)
    assert (found.browser.name, found.browser.major) == browser
    assert (found.os.name, found.os.version) == system
    assert (found.device.model, found.device.type, found.device.vendor) == device
    assert found.ua == text
    assert not found.is_bot


@pytest.mark.parametrize(
    ("text", "engine", "architecture"),
    [
        (f"Mozilla/5.0 (X11; Linux aarch64) {KIT} Chrome/126.0.0.0 Safari/537.36", ("Blink", "126.0.0.0"), "arm64"),
        (f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", ("WebKit", "605.1.15"), None),
        ("Mozilla/5.0 (X11; Linux i686; rv:127.0) Gecko/20100101 Firefox/127.0", ("Gecko", "127.0"), "ia32"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
            ("Gecko", "127.0"),
            "amd64",
        ),
    ],
)
def test_engine_and_processor(text, engine, architecture):
    found = asked(text)
    assert (found.engine.name, found.engine.version) == engine
    assert found.cpu.architecture == architecture


@pytest.mark.parametrize(
    ("text", "is_bot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", True),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", True),
        ("Mozilla/5.0 (compatible; YandexImages/3.0; +http://yandex.com/bots)", True),
        ("Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", True),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", True),
        ("WhatsApp/2.23.20.0", True),
        (f"Mozilla/5.0 (Linux; Android 10; CUBOT X30) {KIT} Chrome/126.0.0.0 Mobile Safari/537.36", False),
        (f"Mozilla/5.0 (Windows NT 10.0) {KIT} Chrome/120.0.0.0 YaBrowser/24.1 Yowser/2.5 Safari/537.36", False),
    ],
)
def test_robots(text, is_bot):
    assert asked(text).is_bot is is_bot


def test_asked_of_a_request_its_headers_or_a_dict():
    headers = Headers({"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"})
    found = user_agent(headers)
    assert found.browser.name == "Firefox"
    assert user_agent(SimpleNamespace(headers=headers)) == found
    assert user_agent(Headers()) == user_agent({}) == asked("")


def test_unknown_parts_are_left_out_of_json():
    assert msgspec.json.decode(msgspec.json.encode(asked("curl/8.5.0"))) == {
        "is_bot": False, "ua": "curl/8.5.0", "browser": {}, "engine": {}, "os": {}, "device": {}, "cpu": {},
    }  # fmt: skip


@given(st.text(alphabet="Android;) (MobileChrome/1.rv:Windows NT_bot-", max_size=200))
def test_never_raises(text):
    assert asked(text).ua == text


def test_a_long_header_takes_no_time():
    start = time.process_time()
    for piece in ("; wv)", "Trident/", "Android; ", "Version/1 Mobile/", "MSIE ", "bot"):
        asked(piece * 20_000)
    assert time.process_time() - start < 0.1
