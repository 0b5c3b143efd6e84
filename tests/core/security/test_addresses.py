"""One machine is one address, however it is written."""

from __future__ import annotations

import pytest

from sereno.core.security.addresses import is_loopback, neighbourhood


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize(
    "text", ["", "x", "10.0.0.1", "::", "0.0.0.0", "fe80::1", "::ffff:10.0.0.1"]
)
def test_what_is_not_loopback(text: str) -> None:
    assert not is_loopback(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("::1", "::2", False),
        ("127.0.0.1", "127.9.9.9", True),
        ("127.0.0.1", "::1", True),
        ("::ffff:127.0.0.1", "10.0.0.1", False),
        ("not an address", "not an address", True),
    ],
)
def test_t27_who_counts_as_one(one: str, other: str, same: bool) -> None:
    assert (neighbourhood(one) == neighbourhood(other)) is same
