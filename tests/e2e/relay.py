"""`sereno relay` as a process of its own, that can be killed and comes back at the same address."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator

from tests.e2e.harness import World, until

__all__ = ["Relay", "relay_for"]


class Relay:
    """Where it is stays the same; whether it is there does not."""

    def __init__(self, world: World, at: str = "127.0.0.1") -> None:
        """`at`: which address of this machine it listens on."""
        self._world = world
        self.at = at
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None
        self._starts = 0

    @property
    def endpoint(self) -> str:
        return f"ws://{self.at}:{self.port}"

    @property
    def settings(self) -> str:
        """For config.toml: on, and here."""
        return f'[daemon.relay]\nenabled = true\nendpoint = "{self.endpoint}"\n'

    def start(self) -> None:
        output = (self._world.root / "relay.out").open("a")
        listen = f"{self.at}:{self.port}"
        self._process = self._world.popen("relay", "--listen", listen, stdout=output, stderr=output)
        output.close()
        until(self._is_ready, "the relay answers")
        self._starts += 1

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def _is_ready(self) -> bool:
        """By its own words: it may be in a network that this process is not in."""
        assert self._process is not None
        assert self._process.poll() is None, (self._world.root / "relay.out").read_text()
        words = (self._world.root / "relay.out").read_text()
        return words.count("listening") > self._starts


@contextlib.contextmanager
def relay_for(world: World) -> Iterator[Relay]:
    """A relay that runs, and a daemon that dials it when somebody is to come."""
    relay = Relay(world)
    relay.start()
    world.configure(relay.settings)
    yield relay
