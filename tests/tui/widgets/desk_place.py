"""A desk with requests and somebody in front of it, who says when time passes."""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.permissions import PermissionAction, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.widgets.request_panel_effects import Effect, Send
from sereno.tui.widgets.request_panel_gate import BURST_S, DEAD_S
from sereno.tui.widgets.request_panel_state import Desk

ONCE = PermissionAction(id="once", label="Allow", behavior="allow")
ALWAYS = PermissionAction(id="always", label="Always allow", behavior="allow", standing=True)
NEVER = PermissionAction(id="never", label="Never", behavior="deny", standing=True)
REJECT = PermissionAction(id="reject", label="Reject", behavior="deny")


def request(name: str = "1", command: str = "make", **more: Any) -> PermissionRequest:
    return PermissionRequest(
        id=name,
        provider="demo",
        name="Bash",
        kind="tool",
        detail=ShellDetail(command=command),
        **more,
    )


class Person:
    """A desk and somebody in front of it; time only passes when it is told to."""

    def __init__(self, *requests: PermissionRequest, seen: bool = True) -> None:
        self.now = 1000.0
        self.desk = Desk()
        self.effects: list[Effect] = []
        self.open = list(requests)
        self.update()
        self.desk.end_seen = seen

    def update(self) -> None:
        self.effects += self.desk.update(self.now, self.open)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        wake = self.desk.wake_at
        if wake is not None and wake <= until:
            self.effects += self.desk.tick(wake)
        self.now = until

    def press(self, key: str, *, then: float = BURST_S) -> None:
        self.effects += self.desk.key(self.now, key)
        self.wait(then)

    def look(self) -> None:
        """Takes the keyboard and waits until the keys work."""
        self.effects += self.desk.take_keyboard(self.now)
        self.wait(DEAD_S)

    @property
    def sent(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]
