"""Where webhooks may go, and that the official library believes our signatures."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from yarl import URL

from shared.errors import Rejected
from shared.outgoing_webhooks import (
    checked_url,
    is_public,
    new_secret,
    same_host,
    signed_headers,
)

INSIDE = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.8", "192.88.99.1", "192.0.2.1", "192.168.0.1", "192.168.255.255"),
    *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001:db8::1", "2002:7f00:1::"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1"),
    *("ff02::1", "ff0e::1"),
)
OUTSIDE = ("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1")
OUTSIDE_TOO = ("172.32.0.1", "192.167.0.1", "198.17.0.1", "2606:4700::1111", "::ffff:8.8.8.8")


@pytest.mark.parametrize("text", INSIDE)
def test_inside(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", [*OUTSIDE, *OUTSIDE_TOO])
def test_outside(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "https://", "https:///path", "example.com"),
        *("https://user@example.com/", "https://user:pass@example.com/", "https://10.0.0.1/"),
        *("https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://example.com/#part"),
        *("https://[::1", "https://[x]/", "https://h:99999999/", "https://h:0/", "https://h:x/"),
        *("https://a..b/", "https://-a.com/", "https://a\\.b/", "https://%31/", "https://a,b/"),
        *("https://exa mple.com/", "https://example.com/\n", "https://example.com/" + "x" * 2000),
    ],
)
def test_such_a_url_is_refused(url: str) -> None:
    with pytest.raises(Rejected):
        checked_url(url, anywhere=False)


_NEARLY = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS:", "https:///", ""]),
    st.text(st.sampled_from("ab1.:[]@/\\%#?-_0x9 \t\u00e4\u2024"), max_size=20),
    st.sampled_from(["", "/", ":443", ":99999", "]", "/hook?a=b"]),
)


@given(url=st.text() | _NEARLY, anywhere=st.booleans())
def test_whatever_is_given_is_refused_or_is_read_alike_by_who_sends_it(
    url: str, anywhere: bool
) -> None:
    try:
        checked_url(url, anywhere=anywhere)
    except Rejected:
        return

    sent, said = URL(url), urlsplit(url)
    assert same_host(sent.raw_host) == same_host(said.hostname)
    assert sent.explicit_port == said.port


@pytest.mark.parametrize("url", ["http://[::]0", "http://0[::]", "https://[::1]x/"])
def test_what_two_parsers_read_differently_is_refused(url: str) -> None:
    with pytest.raises(Rejected, match="URL"):
        checked_url(url, anywhere=True)


def test_an_address_may_be_spelled_in_full() -> None:
    assert checked_url("http://[0:0:0:0:0:0:0:1]:9000/", anywhere=True)


def test_while_developing_the_own_machine_will_do() -> None:
    assert checked_url("http://127.0.0.1:9000/hook", anywhere=True)
    assert checked_url("https://example.com/hook?key=1", anywhere=False)


def test_a_name_in_other_letters_is_a_name() -> None:
    assert checked_url("https://xn--bcher-kva.example/hook", anywhere=False)


def test_the_official_library_verifies_each_of_our_signatures() -> None:
    new, former, foreign = (new_secret() for _ in range(3))
    at = int(datetime.now(UTC).timestamp())

    headers = dict(signed_headers("id-1", b'{"a":1}', at=at, with_secrets=[new, former]))

    for secret in (new, former):
        Webhook(secret).verify(b'{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(foreign).verify(b'{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(b'{"a":2}', headers)
