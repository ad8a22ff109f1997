"""Only what a trusted proxy wrote is believed."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.auth.addresses import group_address, resolve_client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6", "9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["9.9.9.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9,"], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9:4711"], "9.9.9.9"),
        ("fd00::1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("unknown", ["9.9.9.9"], "unknown"),
    ],
)
def test_the_client_is_the_first_hop_that_is_no_proxy(
    peer: str, forwarded_for: list[str], client: str
) -> None:
    assert resolve_client_address(peer, forwarded_for, PROXIES) == client


@given(st.lists(st.text(alphabet="0123456789.:,[] %afx", max_size=60), max_size=4))
def test_what_strangers_claim_changes_nothing(forwarded_for: list[str]) -> None:
    assert resolve_client_address("1.2.3.4", forwarded_for, PROXIES) == "1.2.3.4"
    resolve_client_address("10.0.0.1", forwarded_for, PROXIES)


def test_addresses_of_one_ipv6_network_count_together() -> None:
    assert group_address("2001:db8:1:2:3::4") == group_address("2001:db8:1:2::1")
    assert group_address("2001:db8:1:3::1") != group_address("2001:db8:1:2::1")
    assert group_address("1.2.3.4") == "1.2.3.4"
    assert group_address("unknown") == "unknown"
