"""A daemon on another machine, or behind a socket that was named, as the UI sees it.

Beside embedded.py's two: nothing is started or handed over here, leaving leaves the daemon alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sereno.core.client.aio import Client
from sereno.core.client.target import Target
from sereno.tui.link import ClientLike

if TYPE_CHECKING:
    from sereno.core.client.paired import PairedHost

__all__ = ["Remote"]


class Remote:
    """The daemon of a Target."""

    embedded = False

    def __init__(self, target: Target) -> None:
        self._target = target
        self._host: PairedHost | None = None

    async def connect(self) -> ClientLike:
        """Raises ClientError when it is not reached, or does not let us in."""
        if not self._target.relayed:
            return await Client.connect_to(self._target)
        if self._host is None:
            from sereno.tui.relay_way import paired_host  # crypto is loaded when needed

            self._host = paired_host(self._target)
        return await Client.connect_paired(self._host)

    async def start(self) -> None:
        """Nothing to start from here: the link calls again, which may be all that is wanted."""

    def watch(self, leave: Callable[[], None]) -> None:
        """Nothing: signals end an attached UI, and the daemon is not ours."""

    def hand_over(self) -> None:
        """Nothing to hand over."""

    def leave_within(self, seconds: float) -> None:
        """Nothing: an attached UI may wait for its terminal."""
