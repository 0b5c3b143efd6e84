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

    def __init__(self, world: World) -> None:
        self._world = world
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def settings(self) -> str:
        """For config.toml: on, and here."""
        return f'[daemon.relay]\nenabled = true\nendpoint = "{self.endpoint}"\n'

    def start(self) -> None:
        output = (self._world.root / "relay.out").open("a")
        listen = f"127.0.0.1:{self.port}"
        self._process = self._world.popen("relay", "--listen", listen, stdout=output, stderr=output)
        output.close()
        until(self._answers, "the relay answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False


@contextlib.contextmanager
def relay_for(world: World) -> Iterator[Relay]:
    """A relay that runs, and a daemon that dials it when somebody is to come."""
    relay = Relay(world)
    relay.start()
    world.configure(relay.settings)
    yield relay
