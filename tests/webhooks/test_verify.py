"""Every verifier against forged, changed and late requests, and both ways against the vendors' own packages."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from waypost.errors import BodyTooLarge, HTTPError, StartupError
from waypost.http.request import Request
from waypost.webhooks import InvalidSignature, github, hmac_signature, slack, standard, stripe, twilio

URL = "https://api.example/hooks?x=1"
BODY = b'{"id": "evt_1", "type": "paid", "text": "na\xc3\xafve"}'
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
FORM = "application/x-www-form-urlencoded"

Fields = list[tuple[str, str]]


def send(verify: Callable[..., Any], headers: Any, body: bytes = BODY, url: str = URL, **options: Any) -> Any:
    return asyncio.run(verify(Request(url, method="POST", headers=headers, body=body), **options))


def reason(verify: Callable[..., Any], headers: Any, body: bytes = BODY, **options: Any) -> str:
    """Why a request is refused; it must be, with 400 and words that tell nothing."""
    options.setdefault("secret", SECRET)
    with pytest.raises(InvalidSignature) as caught:
        send(verify, headers, body, **options)
    assert (caught.value.status, caught.value.message) == (400, "Invalid signature")
    assert isinstance(caught.value, HTTPError)
    return caught.value.reason


def signed(vendor: Any, body: bytes = BODY, secret: str = SECRET, ago: int = 0) -> Fields:
    """The headers of a good request."""
    stamp = int(time.time()) - ago
    if vendor is stripe:
        return [("stripe-signature", stripe.sign(body, secret, timestamp=stamp))]
    if vendor is github:
        return [
            ("x-hub-signature-256", github.sign(body, secret)),
            ("x-github-event", "push"),
            ("x-github-delivery", "d-1"),
        ]
    return list(vendor.sign(body, secret, timestamp=stamp).items())


ALL = [stripe, github, slack, standard]
TIMED = [stripe, slack, standard]
vendors = pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: vendor.__name__.rpartition(".")[2])
timed = pytest.mark.parametrize("vendor", TIMED, ids=lambda vendor: vendor.__name__.rpartition(".")[2])


def signature_name(vendor: Any) -> str:
    return "webhook-signature" if vendor is standard else str(vendor.HEADER)


def changed(headers: Fields, name: str, change: Callable[[str], str]) -> Fields:
    return [(key, change(value) if key == name else value) for key, value in headers]


@vendors
def test_a_good_request_gives_the_event(vendor: Any) -> None:
    event = send(vendor.verify, signed(vendor), secret=SECRET)
    payload = event if isinstance(event, dict) else event.payload
    assert payload == json.loads(BODY)


@vendors
def test_what_is_not_signed_is_refused(vendor: Any) -> None:
    headers, name = signed(vendor), signature_name(vendor)
    assert "missing" in reason(vendor.verify, [item for item in headers if item[0] != name])
    assert "more than once" in reason(vendor.verify, [*headers, (name, dict(headers)[name])])
    assert "empty" in reason(vendor.verify, changed(headers, name, lambda value: ""))
    assert "too long" in reason(vendor.verify, changed(headers, name, lambda value: value + "," + "a" * 65_536))
    for junk in ("nonsense", "t=,v1=", "sha256=", "v0=", "v1,", "=", ",", "t=1", "é"):
        assert reason(vendor.verify, changed(headers, name, lambda value, junk=junk: junk))


@vendors
def test_a_changed_body_is_refused(vendor: Any) -> None:
    headers = signed(vendor)
    for index in range(len(BODY)):
        body = BODY[:index] + bytes([BODY[index] ^ 1]) + BODY[index + 1 :]
        assert reason(vendor.verify, headers, body) == "no signature matches"
    assert reason(vendor.verify, headers, BODY[:-1])
    assert reason(vendor.verify, headers, b"\xef\xbb\xbf" + BODY)
    assert reason(vendor.verify, headers, b"")


@vendors
def test_a_changed_signature_is_refused(vendor: Any) -> None:
    headers, name = signed(vendor), signature_name(vendor)
    for change in (lambda v: v[:-2], lambda v: v + "0", lambda v: v[:-3] + "AAA", lambda v: v + "="):
        assert reason(vendor.verify, changed(headers, name, change))
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert reason(vendor.verify, signed(vendor, secret=other)) == "no signature matches"


@vendors
def test_secrets_can_be_changed_one_after_the_other(vendor: Any) -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    for secret in (SECRET, new):
        assert send(vendor.verify, signed(vendor, secret=secret), secret=[new, SECRET])
    assert reason(vendor.verify, signed(vendor, secret=SECRET), secret=[new]) == "no signature matches"


@vendors
@pytest.mark.parametrize("secret", ["", "  ", [], [""], b"", ["a" * 32, ""]])
def test_an_empty_secret_is_refused_at_start(vendor: Any, secret: Any) -> None:
    with pytest.raises(StartupError):
        vendor.Verifier(secret)
    with pytest.raises(StartupError):
        send(vendor.verify, signed(vendor), secret=secret)


@timed
def test_time_counts_in_both_directions(vendor: Any) -> None:
    for ago in (-290, 0, 290):
        assert send(vendor.verify, signed(vendor, ago=ago), secret=SECRET)
    for ago in (-310, 310, 86_400):
        assert "tolerance" in reason(vendor.verify, signed(vendor, ago=ago))
    assert send(vendor.verify, signed(vendor, ago=900), secret=SECRET, tolerance=1000.0)
    for tolerance in (0, -1, float("nan"), float("inf")):
        with pytest.raises(StartupError):
            vendor.Verifier(SECRET, tolerance=tolerance)


@timed
@pytest.mark.parametrize("stamp", ["", "-1", "+1", "1.5", "1e9", "١٢٣", "0x10", " 1", "9" * 40, "nan"])
def test_a_timestamp_is_digits(vendor: Any, stamp: str) -> None:
    stamp_header = {stripe: "stripe-signature", slack: slack.TIME_HEADER, standard: "webhook-timestamp"}[vendor]
    stamp = stamp.encode().decode("latin-1")
    headers = changed(signed(vendor), stamp_header, lambda value: f"t={stamp},v1=00" if vendor is stripe else stamp)
    assert reason(vendor.verify, headers)


@vendors
def test_bytes_that_are_not_utf_8_are_signed_as_they_are(vendor: Any) -> None:
    body = b'{"id": "a\xff\xfe"}'
    event = send(vendor.verify, signed(vendor, body), body, secret=SECRET)
    payload = event if isinstance(event, dict) else event.payload
    assert payload["id"].startswith("a")
    # The same text with the bad bytes already replaced is another body.
    assert reason(vendor.verify, signed(vendor, body), body.decode("utf-8", "replace").encode())


@vendors
@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b"null", b"\x1f\x8b\x08\x00compressed", b'"text"'])
def test_a_signed_body_that_is_no_object_is_refused(vendor: Any, body: bytes) -> None:
    assert "signed but is not" in reason(vendor.verify, signed(vendor, body), body)


@vendors
def test_a_long_body_is_refused_unread(vendor: Any) -> None:
    request = Request(URL, method="POST", headers=signed(vendor), body=BODY)
    request._body.limit = 10
    with pytest.raises(BodyTooLarge):
        asyncio.run(vendor.verify(request, secret=SECRET))


def test_stripe_takes_several_signatures_and_passes_over_other_versions() -> None:
    stamp, _, good = stripe.sign(BODY, SECRET).partition(",v1=")
    for header in (f"{stamp},v1=00,v1={good}", f"{stamp},v0=11,v1={good}", f"v1={good},{stamp}, v1=zz"):
        assert send(stripe.verify, {"stripe-signature": header}, secret=SECRET)["id"] == "evt_1"
    assert "known version" in reason(stripe.verify, {"stripe-signature": f"{stamp},v0={good}"})
    assert "known version" in reason(stripe.verify, {"stripe-signature": stamp})
    assert "one timestamp" in reason(stripe.verify, {"stripe-signature": f"{stamp},t=1,v1={good}"})
    assert "too many" in reason(stripe.verify, {"stripe-signature": f"{stamp}" + ",v1=0" * 16 + f",v1={good}"})
    assert reason(stripe.verify, {"stripe-signature": f"{stamp},v1={good.upper()}"})


def test_stripe_agrees_with_stripes_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import stripe as vendor
    event = vendor.Webhook.construct_event(BODY + b"", stripe.sign(BODY, SECRET), SECRET)
    assert event["id"] == "evt_1"
    now = int(time.time())
    mac = vendor.WebhookSignature._compute_signature(f"{now}.{BODY.decode()}", SECRET)
    assert send(stripe.verify, {"stripe-signature": f"t={now},v1={mac}"}, secret=SECRET)["type"] == "paid"
    with pytest.raises(vendor.SignatureVerificationError):
        vendor.Webhook.construct_event(BODY, stripe.sign(BODY + b" ", SECRET), SECRET)


def test_github_reads_json_in_a_form_and_names_the_event() -> None:
    body = b"payload=%7B%22ref%22%3A%22main%22%7D"
    headers = [*signed(github, body), ("content-type", f"{FORM}; charset=utf-8")]
    event = send(github.verify, headers, body, secret=SECRET)
    assert (event.name, event.delivery, event.payload) == ("push", "d-1", {"ref": "main"})
    again = send(
        github.verify, [*signed(github, body)[:2], ("x-github-delivery", "other"), headers[-1]], body, secret=SECRET
    )
    assert again.key == event.key, "the id of a delivery is not signed: the same body is the same event"
    assert reason(github.verify, [*signed(github, b"a=1"), ("content-type", FORM)], b"a=1")
    # GitHub's own example.
    assert github.sign(b"Hello, World!", "It's a Secret to Everybody") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_github_does_not_look_at_sha1() -> None:
    old = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    rest = signed(github)[1:]
    assert reason(github.verify, [("x-hub-signature", old), *rest])
    assert reason(github.verify, [("x-hub-signature-256", old), *rest])


def test_slack_agrees_with_slacks_package() -> None:
    from slack_sdk.signature import SignatureVerifier

    vendor = SignatureVerifier(SECRET)
    headers = slack.sign(BODY, SECRET)
    assert vendor.is_valid_request(BODY, headers)
    now = str(int(time.time()))
    mac = vendor.generate_signature(timestamp=now, body=BODY)
    assert mac is not None
    assert send(slack.verify, {slack.HEADER: mac, slack.TIME_HEADER: now}, secret=SECRET)["id"] == "evt_1"


def test_slack_gives_commands_and_interactions() -> None:
    for body, expected in (
        (b"command=%2Fhi&text=a+b", {"command": "/hi", "text": "a b"}),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D", {"type": "block_actions"}),
    ):
        headers = {**slack.sign(body, SECRET), "content-type": FORM}
        assert send(slack.verify, headers, body, secret=SECRET) == expected


def test_standard_agrees_with_its_package() -> None:
    from standardwebhooks.webhooks import Webhook

    vendor = Webhook(SECRET)
    assert vendor.verify(BODY, standard.sign(BODY, SECRET))["id"] == "evt_1"
    now = datetime.now(UTC)
    mac = vendor.sign("msg_1", now, BODY.decode())
    for family in ("webhook", "svix"):
        headers = {
            f"{family}-id": "msg_1",
            f"{family}-timestamp": str(int(now.timestamp())),
            f"{family}-signature": f"v1a,AAAA {mac}",
        }
        event = send(standard.verify, headers, secret=SECRET)
        assert (event.id, event.payload["id"]) == ("msg_1", "evt_1")
        # Only `id` and only one family's headers count.
        assert reason(standard.verify, {**headers, f"{family}-id": "msg_2"})


def test_standard_refuses_ids_and_secrets_that_are_none() -> None:
    good = standard.sign(BODY, SECRET, id="msg.1")
    assert "dot" in reason(standard.verify, good)
    assert standard.sign(BODY, SECRET.removeprefix("whsec_"), timestamp=1) == standard.sign(BODY, SECRET, timestamp=1)
    for secret in ("whsec_", "whsec_not base64!", "whsec_a"):
        with pytest.raises(StartupError):
            standard.Verifier(secret)


def twilio_send(body: bytes, signature: str, url: str = URL, kind: str = FORM, **options: Any) -> Any:
    headers = {"x-twilio-signature": signature, "content-type": kind}
    options.setdefault("secret", "token")
    return send(twilio.verify, headers, body, url, **options)


def test_twilio_agrees_with_twilios_package() -> None:
    from twilio.request_validator import RequestValidator

    vendor = RequestValidator("token")
    fields = {"From": "+15551", "Body": "hé & b", "Empty": "", "CallSid": "CA1"}
    body = b"From=%2B15551&Body=h%C3%A9+%26+b&Empty=&CallSid=CA1"
    assert vendor.validate(URL, fields, twilio.sign(URL, fields.items(), "token"))
    assert twilio_send(body, vendor.compute_signature(URL, fields)) == fields

    class Many(dict[str, list[str]]):
        def getall(self, name: str) -> list[str]:
            return self[name]

    many = Many(a=["2", "1", "2"], b=["x"])
    assert twilio_send(b"a=2&a=1&b=x&a=2", vendor.compute_signature(URL, many)) == {"a": "2", "b": "x"}
    for spelling in ("https://api.example:443/hooks?x=1", URL):
        assert twilio_send(body, vendor.compute_signature(spelling, fields)) == fields
        assert twilio_send(body, vendor.compute_signature(URL, fields), spelling) == fields
    sha256 = vendor.compute_signature(URL, fields, "HMAC_SHA256")
    assert twilio_send(body, sha256, algorithm="sha256") == fields
    for forged in (sha256, vendor.compute_signature("https://evil.example/hooks?x=1", fields), "AAAA"):
        with pytest.raises(InvalidSignature):
            twilio_send(body, forged)
    with pytest.raises(InvalidSignature):
        twilio_send(body + b"&More=1", vendor.compute_signature(URL, fields))


def test_twilio_covers_json_by_its_digest() -> None:
    url = f"{URL}&bodySHA256={hashlib.sha256(BODY).hexdigest()}"
    signature = twilio.sign(url, [], "token")
    assert twilio_send(BODY, signature, url, "application/json")["id"] == "evt_1"
    for body, address in ((BODY + b" ", url), (BODY, f"{url}0"), (BODY, f"{url}&bodySHA256=00")):
        with pytest.raises(InvalidSignature):
            twilio_send(body, twilio.sign(address, [], "token"), address, "application/json")
    # Signed for its URL alone, a body could be anything.
    with pytest.raises(InvalidSignature, match="Invalid signature"):
        twilio_send(BODY, twilio.sign(URL, [], "token"), kind="application/json")


def test_twilio_signs_the_public_address() -> None:
    public = "https://public.example/hooks?x=1"
    signature = twilio.sign(public, [("a", "1")], "token")
    headers = {"x-twilio-signature": signature, "content-type": FORM}
    request = Request("http://10.0.0.1:8000/hooks?x=1", method="POST", headers=headers, body="a=1")
    assert asyncio.run(twilio.verify(request, secret="token", url=public)) == {"a": "1"}
    with pytest.raises(InvalidSignature):
        asyncio.run(twilio.verify(request, secret="token"))


def test_twilio_get_requests_give_the_query() -> None:
    request = Request(URL, headers={"x-twilio-signature": twilio.sign(URL, [], "token")})
    assert asyncio.run(twilio.verify(request, secret="token")) == {"x": "1"}
    with pytest.raises(StartupError):
        twilio.Verifier("")
    with pytest.raises(StartupError):
        twilio.Verifier("token", algorithm="md5")  # type: ignore[arg-type]  # what a user may write


def test_the_general_verifier_follows_its_settings() -> None:
    plain = hmac_signature.Verifier(SECRET, header="x-sig", prefix="sha512=", algorithm="sha512", encoding="base64")
    mac = base64.b64encode(hmac.new(SECRET.encode(), BODY, hashlib.sha512).digest()).decode()
    assert plain.sign(BODY) == f"sha512={mac}"
    assert send(plain, {"x-sig": f"sha512={mac}"}) == BODY
    for value in (mac, f"sha512={mac[:-1]}", "sha512="):
        with pytest.raises(InvalidSignature):
            send(plain, {"x-sig": value})
    now = int(time.time())
    stamped = hmac_signature.Verifier(SECRET, header="x-sig", timestamp_header="x-time")
    good = stamped.sign(BODY, timestamp=now)
    assert send(stamped, {"x-sig": good, "x-time": str(now)}) == BODY
    for headers in ({"x-sig": good}, {"x-sig": good, "x-time": str(now + 1)}, {"x-sig": good, "x-time": "x"}):
        with pytest.raises(InvalidSignature):
            send(stamped, headers)
    assert send(hmac_signature.verify, {"x": plain.sign(BODY)[7:]}, secret=SECRET, header="x", algorithm="sha512",
                encoding="base64") == BODY  # fmt: skip
    for wrong in ({"algorithm": "md5"}, {"encoding": "base32"}, {"tolerance": 0.0}):
        with pytest.raises(StartupError):
            hmac_signature.Verifier(SECRET, header="x", **wrong)  # type: ignore[arg-type]  # what a user may write


def test_nothing_but_the_comparison_of_the_standard_library_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each secret is compared with each signature, in constant time, also after a match."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(a: Any, b: Any) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr("waypost.webhooks.signature.hmac.compare_digest", spy)
    header = stripe.sign(BODY, SECRET) + ",v1=00"
    send(stripe.verify, {"stripe-signature": header}, secret=[SECRET, "other"])
    assert len(compared) == 4
