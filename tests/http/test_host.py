from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import InvalidHost
from waypost.http import host as module
from waypost.http.host import split_host, valid_host
from waypost.http.url import URL

GOOD = [
    ("localhost", "localhost", None),
    ("LOCALHOST:3000", "LOCALHOST", 3000),
    ("example.com.", "example.com.", None),
    ("my_service-1.internal:0", "my_service-1.internal", 0),
    ("example.com:", "example.com", None),
    ("a:65535", "a", 65535),
    ("127.0.0.1:80", "127.0.0.1", 80),
    ("127.1", "127.1", None),
    ("1.2.3.", "1.2.3.", None),
    ("2130706433", "2130706433", None),
    ("0x7f.1", "0x7f.1", None),
    ("[::1]", "[::1]", None),
    ("[::1]:3000", "[::1]", 3000),
    ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", None),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
    ("a" * 63 + ".b", "a" * 63 + ".b", None),
]


@pytest.mark.parametrize(("text", "name", "port"), GOOD)
def test_good(text, name, port):
    assert valid_host(text.encode())
    assert split_host(text) == (name, port)
    url = URL(f"http://{text}/")
    assert url.pathname == "/"
    assert url.username == url.search == url.hash == ""


BAD = [
    "", ":", ":80", ".", ".a", "a..b", "a b", " a", "a ", "a\t", "a/b", "a\\b", "u:p@a", "u@a", "a?x", "a#x", "a,b",
    "a:99999", "a:65536", "a:-1", "a:+1", "a:0x50", "a:80:80", "a: 80", "a:٣", "[::1", "::1", "::1]", "[::1]x",
    "[::1]80", "[::g]", "[]", "[::1%25eth0]", "[v1.x]", "[::1]]", "[[::1]]", "[1.2.3.4]", "a%00b", "a%2fb", "a\0",
    "a\r\n", "a\n", "localhost:3000/abc?", "\u212aelvin", "é", "xn--", "a.XN--.b", "a" * 64, "a" * 300,
    "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "09", "a.1", "4294967296", "0x100000000", "a!b", "a$b", "a;b",
    "a=b", "a*b", "(a)", "a'b", 'a"b', "<a>", "a^b", "a|b", "{a}", "a`b", "a~b",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_bad(text):
    assert not valid_host(text.encode())
    with pytest.raises(InvalidHost):
        split_host(text)


def test_hosts_of_the_bad_inputs(corpus):
    well_formed = {"127.1", "2130706433", "[::ffff:127.0.0.1]"}
    hosts = corpus("framework-bad-inputs.json")["hosts"]
    assert {host for host in hosts if valid_host(host.encode())} == well_formed


@given(
    st.one_of(
        st.binary(max_size=12),
        st.text(alphabet="abx019.:[]-_%@/?#\\ nXN~", max_size=16).map(str.encode),
        st.lists(st.sampled_from(["a", "0", "0x", "09", "255", "256", "xn--", "a-", "1"]), max_size=6).map(
            lambda labels: ".".join(labels).encode()
        ),
    )
)
def test_a_valid_host_makes_a_url_of_that_host_alone(value):
    if not valid_host(value):
        return
    text = value.decode("ascii")
    url = URL(f"http://{text}/path?query")
    assert (url.pathname, url.search, url.username, url.password, url.hash) == ("/path", "?query", "", "", "")
    name, port = split_host(text)
    assert url.hostname == URL(f"http://{name}/").hostname
    assert url.port == ("" if port in (None, 80) else str(port))


def test_what_is_remembered_is_bounded():
    for number in range(2000):
        assert valid_host(b"host-%d.example" % number)
        assert not valid_host(b"host %d" % number)
    assert len(module._valid) <= 256
    assert all(b" " not in host for host in module._valid)
    assert valid_host(b"host-1999.example")
