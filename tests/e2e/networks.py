"""Three networks of this machine's kernel: in the middle one that two others reach, who cannot
reach each other. Made as root, or in a user namespace of one's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["Network", "three_networks"]

_AS_ROOT = os.geteuid() == 0
_JOIN = () if _AS_ROOT else ("--user", "--preserve-credentials")
_MAKE = () if _AS_ROOT else ("--user", "--map-root-user")


class Network:
    """One of them. `inside` stands before a command that shall run there."""

    def __init__(self, holder: subprocess.Popen[bytes]) -> None:
        self.holder = holder
        self.pid = holder.pid

    @property
    def inside(self) -> tuple[str, ...]:
        return ("nsenter", "--target", str(self.pid), *_JOIN, "--net")

    def ip(self, *arguments: str) -> None:
        subprocess.run([*self.inside, "ip", *arguments], check=True, timeout=20)


@contextmanager
def three_networks() -> Iterator[tuple[Network, Network, Network]]:
    """The middle (10.88.1.1 to the first, 10.88.2.1 to the second), the first (10.88.1.2), the
    second (10.88.2.2)."""
    with ExitStack() as stack:
        middle = stack.enter_context(_network(("unshare", *_MAKE)))
        enter = ("nsenter", "--target", str(middle.pid), *_JOIN, "unshare")
        first, second = (stack.enter_context(_network(enter)) for _ in range(2))
        middle.ip("link", "set", "lo", "up")
        for number, other in enumerate((first, second), 1):
            far = ("peer", "name", "eth0", "netns", str(other.pid))
            middle.ip("link", "add", f"v{number}", "type", "veth", *far)
            middle.ip("address", "add", f"10.88.{number}.1/24", "dev", f"v{number}")
            middle.ip("link", "set", f"v{number}", "up")
            other.ip("address", "add", f"10.88.{number}.2/24", "dev", "eth0")
            other.ip("link", "set", "eth0", "up")
            other.ip("link", "set", "lo", "up")
        yield middle, first, second


@contextmanager
def _network(made_by: tuple[str, ...]) -> Iterator[Network]:
    """It lives as long as a process in it, which ends when its input does."""
    command = [*made_by, "--net", "sh", "-c", "echo ready; read _"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"ready\n", "the kernel gives no network"
            yield Network(holder)
        finally:
            assert holder.stdin is not None
            holder.stdin.close()
            holder.wait(20)
