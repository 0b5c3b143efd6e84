"""Who takes how much: sockets, server ids and memory by address, and in all.

Says no before a limit is passed; forgets an address when its last socket is gone.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sereno.relay_server.limits import Limits

__all__ = ["Ledger", "account_of"]

K = TypeVar("K")


def account_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


@dataclass(slots=True)
class _Account(Generic[K]):
    sockets: int = 0
    memory: int = 0
    ids: Counter[K] = field(default_factory=Counter)


@dataclass(slots=True)
class _Socket(Generic[K]):
    account: str
    key: K
    memory: int = 0


class Ledger(Generic[K]):
    """`K` is what a server id is known by."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._accounts: dict[str, _Account[K]] = {}
        self._sockets: dict[int, _Socket[K]] = {}
        self.memory = 0

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def addresses(self) -> int:
        return len(self._accounts)

    def enter(self, peer: int, address: str, key: K) -> str | None:
        """Writes a socket down; or gives the reason why it may not stay."""
        name = account_of(address)
        account = self._accounts.get(name) or _Account()
        if len(self._sockets) >= self._limits.sockets:
            return "The relay is full"
        if account.sockets >= self._limits.address_sockets:
            return "Too many sockets of this address"
        if key not in account.ids and len(account.ids) >= self._limits.ids:
            return "Too many ids of this address"
        self._accounts[name] = account
        account.sockets += 1
        account.ids[key] += 1
        self._sockets[peer] = _Socket(name, key)
        return None

    def weigh(self, peer: int, memory: int) -> str | None:
        """Bytes the relay holds for a socket now; gives the reason where it is too much."""
        socket = self._sockets.get(peer)
        if socket is None or socket.memory == memory:
            return None
        more = memory - socket.memory
        account = self._accounts[socket.account]
        socket.memory = memory
        account.memory += more
        self.memory += more
        if more <= 0:
            return None
        if account.memory > self._limits.address_memory:
            return "Too much is held for this address"
        if self.memory > self._limits.memory:
            return "The relay holds too much"
        return None

    def account(self, peer: int) -> str:
        """Whom a socket counts for; what `account_of` made of its address."""
        return self._sockets[peer].account

    def weight_of(self, peer: int) -> int:
        socket = self._sockets.get(peer)
        return 0 if socket is None else socket.memory

    def leave(self, peer: int) -> None:
        socket = self._sockets.pop(peer, None)
        if socket is None:
            return
        account = self._accounts[socket.account]
        account.sockets -= 1
        account.memory -= socket.memory
        self.memory -= socket.memory
        account.ids[socket.key] -= 1
        if not account.ids[socket.key]:
            del account.ids[socket.key]
        if not account.sockets:
            del self._accounts[socket.account]
