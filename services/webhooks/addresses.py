"""Which client a request comes from, when proxies stand between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Networks:
    """A set of addresses."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, listed: str) -> Networks:
        """Read networks with commas between; raises ValueError."""
        parts = (part.strip() for part in listed.split(","))
        return cls(tuple(ip_network(part) for part in parts if part))

    def __contains__(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def __bool__(self) -> bool:
        return bool(self.networks)


def client_of(peer: str, forwarded: Sequence[str], proxies: Networks) -> Address | None:
    """Return who sent a request that *peer* handed to us.

    Every proxy appends the address it was called from to X-Forwarded-For, so the list is believed
    from its right end, as long as the one who appended is one of *proxies*. What stands further
    left, anybody may have written. None for a peer without an address.
    """
    address = parsed(peer)
    hops = [hop for line in forwarded for hop in line.split(",")]
    while address is not None and hops and address in proxies:
        hop = parsed(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def parsed(text: str) -> Address | None:
    """Return the address that *text* is; an IPv4 one for its form in IPv6, and without a port."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def household(address: Address | None) -> str:
    """Return what one sender can hardly leave: an IPv4 address, or the /64 of an IPv6 one."""
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
