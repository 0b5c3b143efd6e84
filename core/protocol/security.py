"""The messages of the security page: who can reach the daemon, and what they must show.

An addition to the wire (types begin with `sereno.security.`), for the owner on the local socket or
in memory only; dispatch and handlers see to that. No behaviour here.
"""

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from sereno.core.protocol.additions import DoorStatus
from sereno.core.protocol.values import Wire

__all__ = [
    "ChangeSecurity",
    "ChangeSecurityResult",
    "Check",
    "Guest",
    "ReadSecurity",
    "ReadSecurityResult",
    "RotateToken",
    "RotateTokenResult",
    "SecurityState",
    "SetPassword",
    "SetPasswordResult",
    "TryHost",
    "TryHostResult",
]

Loopback = Literal["same-user", "token", "trust"]


class Check(Wire):
    """One thing that the daemon looked at for the person. `nextStep` is empty where it is well."""

    level: Literal["ok", "warning", "danger"]
    text: str
    next_step: str = ""


class Guest(Wire):
    """Connections of one kind that are open now. `way`: unix, memory, tcp, tls. `proof`: what
    they showed: local, agent, same-user, token, password, trust, offer."""

    way: str
    proof: str
    role: str
    connections: int


class SecurityState(Wire):
    """`socket`: the home's own, owner only. `listen`: the addresses of the configuration; `doors`:
    what became of each. `anyHostname`: every Host header is answered, `hostnames` then says
    nothing. `forced`: settings that a variable of the daemon's environment sets, by name: no
    change of the file changes them. Times are ISO texts."""

    socket: str
    listen: list[str]
    doors: list[DoorStatus]
    hostnames: list[str]
    any_hostname: bool
    origins: list[str]
    password_set: bool
    loopback: Loopback
    tls: bool
    token_made_at: str | None
    forced: dict[str, str]
    guests: list[Guest]
    checks: list[Check]


class ReadSecurity(Wire, tag_field="type", tag="sereno.security.read.request"):
    request_id: str


class ReadSecurityResult(Wire):
    wire_type: ClassVar[str] = "sereno.security.read.response"
    request_id: str
    state: SecurityState


class ChangeSecurity(Wire, tag_field="type", tag="sereno.security.change.request"):
    """What is given replaces the setting of that name in config.toml, and is applied at once."""

    request_id: str
    listen: list[str] | UnsetType = UNSET
    hostnames: list[str] | UnsetType = UNSET
    any_hostname: bool | UnsetType = UNSET
    origins: list[str] | UnsetType = UNSET
    loopback: Loopback | UnsetType = UNSET


class ChangeSecurityResult(Wire):
    """`error` and `nextStep`: why nothing was changed. `state`: as it is now."""

    wire_type: ClassVar[str] = "sereno.security.change.response"
    request_id: str
    state: SecurityState
    error: str | None = None
    next_step: str | None = None


class SetPassword(Wire, tag_field="type", tag="sereno.security.set_password.request"):
    """The password in plain, once, on the local socket; null to have none again."""

    request_id: str
    password: str | None

    def __repr__(self) -> str:
        """Without the password: a traceback may show it."""
        return f"SetPassword({self.request_id})"


class SetPasswordResult(Wire):
    """`doubts`: what speaks against a password that was taken nevertheless."""

    wire_type: ClassVar[str] = "sereno.security.set_password.response"
    request_id: str
    state: SecurityState
    doubts: list[str] = []
    error: str | None = None
    next_step: str | None = None


class RotateToken(Wire, tag_field="type", tag="sereno.security.rotate_token.request"):
    """A new token; whoever uses the old one is sent away at once."""

    request_id: str


class RotateTokenResult(Wire):
    wire_type: ClassVar[str] = "sereno.security.rotate_token.response"
    request_id: str
    state: SecurityState
    error: str | None = None
    next_step: str | None = None


class TryHost(Wire, tag_field="type", tag="sereno.security.try_host.request"):
    """Would a request with this Host header pass? With `hostnames` or `anyHostname`: if those were
    the setting."""

    request_id: str
    host: str
    hostnames: list[str] | UnsetType = UNSET
    any_hostname: bool | UnsetType = UNSET


class TryHostResult(Wire):
    """`name`: what was read out of the header, null where it is no host. `reason`: in words."""

    wire_type: ClassVar[str] = "sereno.security.try_host.response"
    request_id: str
    passes: bool
    name: str | None
    reason: str
