"""Where a request came from, when only some proxies are to be believed."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = Sequence[IPv4Network | IPv6Network]

_IPV6_HOME_BITS = 64


def resolve_client_address(peer: str, forwarded_for: Iterable[str], trusted: Networks) -> str:
    """Walk from the peer to the left of `X-Forwarded-For` for as long as each hop is trusted.

    Every proxy appends whom it was called by, so only what a trusted one wrote is true: the first
    address that is no trusted proxy is the client, and what stands left of it is anybody's word.
    """
    hops = [hop.strip() for header in forwarded_for for hop in header.split(",")]
    client = peer
    while hops and _is_trusted(client, trusted):
        hop = _clean(hops.pop())
        if hop is None:
            break
        client = hop
    return _clean(client) or client


def group_address(address: str) -> str:
    """Name the network that counts as one client: with IPv6, everybody has 2**64 addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_HOME_BITS), strict=False))
    return address


def _is_trusted(address: str, trusted: Networks) -> bool:
    cleaned = _clean(address)
    return cleaned is not None and any(ip_address(cleaned) in network for network in trusted)


def _clean(hop: str) -> str | None:
    """Read `1.2.3.4`, `1.2.3.4:5678`, `[::1]:5678` or `::ffff:1.2.3.4`; None if it is none."""
    text = hop.removeprefix("[").partition("]")[0] if hop.startswith("[") else hop
    if text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
