"""Whose address counts, whatever a header says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.webhooks.addresses import Networks, client_of, household, parsed

PROXIES = Networks.parse("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.7, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.7, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.7", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, garbage"], "10.0.0.1"),
        ("10.0.0.1", ["garbage, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("fe80::1%eth0", [], "fe80::1"),
    ],
)
def test_the_list_is_believed_from_the_right_while_proxies_wrote_it(
    peer: str, forwarded: list[str], client: str
):
    assert str(client_of(peer, forwarded, PROXIES)) == client


def test_a_peer_without_an_address_is_nobody():
    assert client_of("", ["198.51.100.1"], PROXIES) is None


@given(st.lists(st.text(max_size=40), max_size=4))
def test_nothing_written_in_the_header_moves_a_stranger(forwarded: list[str]):
    assert str(client_of("203.0.113.9", forwarded, PROXIES)) == "203.0.113.9"


@given(st.text(max_size=60))
def test_any_text_can_be_asked(text: str):
    parsed(text)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("23.227.38.5", True),
        ("::ffff:23.227.38.5", True),
        ("2620:0:861::1", True),
        ("23.227.39.1", False),
        ("2620:0:862::1", False),
    ],
)
def test_both_kinds_of_address_are_looked_up_in_one_list(address: str, inside: bool):
    found = parsed(address)

    assert found is not None
    assert (found in Networks.parse("23.227.38.0/24,2620:0:861::/48")) is inside


def test_a_network_with_host_bits_is_refused():
    with pytest.raises(ValueError, match="host bits"):
        Networks.parse("10.0.0.1/8")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.10", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_a_sender_cannot_walk_through_its_own_network(one: str, other: str, same: bool):
    assert (household(parsed(one)) == household(parsed(other))) is same
