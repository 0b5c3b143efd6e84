"""Words to the service manager that runs `sereno --no-ui`: sd_notify(3), spoken without libsystemd.

One datagram a word, to the socket that NOTIFY_SOCKET names; without that variable everything here
does nothing. Whoever does not listen never stops the daemon: that is logged once.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Callable, Mapping

import anyio

__all__ = ["Notifier", "from_process", "socket_address", "watchdog_interval"]

log = logging.getLogger("sereno.service")

PATIENCE_S = 1.0
"""Seconds that a word which comes once may wait for a full socket; a ping waits for nothing."""


class Notifier:
    """The words of one process. All methods are for the event loop's thread and short."""

    def __init__(
        self,
        address: str | None,
        watchdog_s: float | None = None,
        monotonic_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        """`address`: as socket_address gives it. `watchdog_s`: seconds between two pings."""
        self._address = address
        self.watchdog_s = watchdog_s
        self._monotonic_us = monotonic_us
        self._complained = False
        self._ending = False

    @classmethod
    def from_environment(cls, env: Mapping[str, str], pid: int) -> Notifier:
        """What systemd told this process; a silent one where it told nothing."""
        named = env.get("NOTIFY_SOCKET")
        address = socket_address(named) if named else None
        if named and address is None:
            log.warning("NOTIFY_SOCKET is %r, which is no unix socket; nobody is notified", named)
        return cls(address, watchdog_interval(env, pid) if address else None)

    def ready(self, status: str = "") -> None:
        """Clients are served: at the start, and when a reload is over."""
        if not self._ending:
            self._say("READY=1", _status(status))

    def reloading(self) -> None:
        """The settings are read anew, or a new program takes this process over; `ready` follows."""
        if not self._ending:
            self._say("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_us()}")

    def stopping(self) -> None:
        """For good; a reload that is still under way is not mentioned any more. Never before a
        restart: the manager would wait for the end of the process."""
        self._ending = True
        self._say("STOPPING=1", _status("stops; agents go on in their runners"))

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._say(_status(text))

    async def keep_alive(self) -> None:
        """Pings from the loop for ever, at half of the time after which a silent daemon is killed
        and started again; returns at once where no watchdog waits."""
        if self.watchdog_s is None:
            return
        while True:
            self._say("WATCHDOG=1", wait_s=0)
            await anyio.sleep(self.watchdog_s)

    def _say(self, *words: str, wait_s: float = PATIENCE_S) -> None:
        if self._address is None:
            return
        data = "\n".join(filter(None, words)).encode("utf-8", "replace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.settimeout(wait_s)
                out.sendto(data, self._address)
        except OSError as error:
            if not self._complained:
                log.warning("the service manager does not hear %s: %s", words[0], error)
            self._complained = True
        else:
            self._complained = False


def socket_address(named: str) -> str | None:
    """NOTIFY_SOCKET as Python's sockets want it: a path, or a name in the abstract namespace, which
    is written with "@". None for what is neither (vsock: a virtual machine's manager)."""
    if named.startswith("/"):
        return named
    return f"\0{named[1:]}" if named.startswith("@") and len(named) > 1 else None


def watchdog_interval(env: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two pings: half of WATCHDOG_USEC, as sd_watchdog_enabled(3) advises. None
    where there is no watchdog, or where it watches another process (WATCHDOG_PID)."""
    if env.get("WATCHDOG_PID") not in (None, str(pid)):
        return None
    text = env.get("WATCHDOG_USEC", "")
    if not re.fullmatch(r"[0-9]{1,20}", text, re.ASCII):
        return None
    return int(text) / 2_000_000 or None


def _status(text: str) -> str:
    """A line end would begin a variable of its own."""
    return f"STATUS={' '.join(text.split())}" if text else ""


def from_process() -> Notifier:
    """Of this very process."""
    return Notifier.from_environment(os.environ, os.getpid())
