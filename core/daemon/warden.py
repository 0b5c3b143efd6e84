"""The security of this daemon as its owner sees and changes it: implements SecurityControl.

Changes are written to config.toml, with the person's comments kept, and applied by the same reload
that SIGHUP makes; what the running daemon may not do is refused before it is written. Who is let
in stands in core/security/gate.py; what is looked at, in safety.py beside this.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Protocol

import anyio.to_thread

from sereno.core.config import Config, edit_config, parse_listen, put
from sereno.core.config.keys import SETTINGS, VARIABLES
from sereno.core.daemon import safety
from sereno.core.daemon.doors import Address
from sereno.core.daemon.sockets import DoorError, refuse_without_password
from sereno.core.home import Home, HomeError
from sereno.core.home.token import load, rotate
from sereno.core.protocol.additions import AuditVerifyResult, DoorStatus
from sereno.core.protocol.security import (
    ChangeSecurity,
    Guest,
    SecurityState,
    TryHost,
    TryHostResult,
)
from sereno.core.protocol.values import UNSET, iso
from sereno.core.security import passwords
from sereno.core.security.hosts import host_allowed, host_name
from sereno.core.sessions.channel import Peer

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["Warden"]

Refusal = tuple[str | None, str | None]
"""Cause and next step; both None when nothing was refused."""
DONE: Refusal = (None, None)
_PASSWORD = "daemon.auth.password"


class Ward(Protocol):
    """What the warden needs of the daemon."""

    @property
    def config(self) -> Config: ...

    def door_states(self) -> list[DoorStatus]: ...

    async def reload(self) -> None: ...


class Warden:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        home: Home,
        daemon: Ward,
        peers: Callable[[], list[Peer]],
        verify: Callable[[str], Coroutine[None, None, AuditVerifyResult]],
        env: Mapping[str, str],
        now_ms: Callable[[], int],
        *,
        password_forced: bool = False,
    ) -> None:
        """`peers`: who is connected now. `verify`: looks at the audit's chain. `password_forced`:
        this daemon took its password from its environment (what only clients show does not count).
        """
        self._home = home
        self._daemon = daemon
        self._peers = peers
        self._verify = verify
        self._env = env
        self._now_ms = now_ms
        self._password_forced = password_forced
        self._changing = anyio.Lock()

    async def state(self) -> SecurityState:
        """Everything of the page, looked at now."""
        config, doors = self._daemon.config.daemon, self._daemon.door_states()
        audit = await self._verify("")
        any_hostname = config.hostnames is True
        facts = safety.Facts(
            config=config,
            doors=doors,
            home_mode=_mode(os.fspath(self._home.root)),
            config_mode=_mode(os.fspath(self._home.config)),
            socket_mode=_mode(os.fspath(self._home.socket)),
            token_made_ms=self._token_made_ms(),
            now_ms=self._now_ms(),
            audit=audit,
        )
        return SecurityState(
            socket=str(self._home.socket),
            listen=list(config.listen),
            doors=doors,
            hostnames=[] if config.hostnames is True else list(config.hostnames),
            any_hostname=any_hostname,
            origins=list(config.cors.allowed_origins),
            password_set=config.auth.password is not None,
            loopback=config.auth.loopback,
            tls=config.tls.cert is not None,
            token_made_at=iso(facts.token_made_ms) if facts.token_made_ms is not None else None,
            forced=self._forced(),
            guests=_guests(self._peers()),
            checks=safety.checks(facts),
        )

    async def change(self, request: ChangeSecurity) -> Refusal:
        """Writes what is given and applies it; or says why nothing was changed."""
        values: dict[str, object] = {}
        if request.listen is not UNSET:
            values["daemon.listen"] = request.listen
        if request.any_hostname is True:
            values["daemon.hostnames"] = True
        elif request.hostnames is not UNSET:
            values["daemon.hostnames"] = request.hostnames
        elif request.any_hostname is False and self._daemon.config.daemon.hostnames is True:
            values["daemon.hostnames"] = []
        if request.origins is not UNSET:
            values["daemon.cors.allowed_origins"] = request.origins
        if request.loopback is not UNSET:
            values["daemon.auth.loopback"] = request.loopback
        if refusal := self._forced_away(values) or _not_valid(values):
            return refusal
        async with self._changing:
            try:
                if request.listen is not UNSET and not self._has_password:
                    await anyio.to_thread.run_sync(_refuse_open, request.listen)
                return await self._write(values)
            except HomeError as error:
                return error.message, error.next_step

    async def set_password(
        self, password: str | None
    ) -> tuple[tuple[str, ...], str | None, str | None]:
        """Sets or removes it: doubts about a password that was taken, then the refusal."""
        if refusal := self._forced_away({_PASSWORD: None}):
            return (), *refusal
        async with self._changing:
            try:
                if password is None:
                    return (), *await self._remove_password()
                hashed = await anyio.to_thread.run_sync(passwords.hash_new, password)
            except passwords.PasswordRefused as refused:
                return (), refused.message, refused.next_step
            except HomeError as error:
                return (), error.message, error.next_step
            return passwords.doubts(password), *await self._write({_PASSWORD: hashed})

    async def _remove_password(self) -> Refusal:
        listed = list(self._daemon.config.daemon.listen)
        try:
            await anyio.to_thread.run_sync(_refuse_open, listed)
        except DoorError as error:
            if error.code != "needs_password":
                raise
            return (
                f"Other machines reach this daemon ({', '.join(listed)}): without a password "
                "anybody there could.",
                "Close those addresses first.",
            )
        return await self._write({_PASSWORD: None})

    async def rotate_token(self) -> Refusal:
        """A new token; connections that showed the old one are closed."""
        async with self._changing:
            try:
                await anyio.to_thread.run_sync(rotate, self._home)
                await self._daemon.reload()
            except HomeError as error:
                return error.message, error.next_step
        return DONE

    def try_host(self, request: TryHost) -> TryHostResult:
        """Whether a Host header would pass, by the rules of now or by those that are proposed."""
        hostnames = self._daemon.config.daemon.hostnames
        if request.any_hostname is True:
            hostnames = True
        elif request.hostnames is not UNSET:
            hostnames = tuple(request.hostnames)
        elif request.any_hostname is False and hostnames is True:
            hostnames = ()
        name = host_name(request.host)
        passes = host_allowed(request.host, hostnames)
        return TryHostResult(request.request_id, passes, name, _reason(name, passes, hostnames))

    # How

    @property
    def _has_password(self) -> bool:
        return self._daemon.config.daemon.auth.password is not None

    async def _write(self, values: Mapping[str, object]) -> Refusal:
        """config.toml, then the reload. A file that would not be valid is not written."""

        def change(document: TOMLDocument) -> None:
            for key, value in values.items():
                if value is None:
                    _remove(document, key)
                else:
                    put(document, key, value)

        try:
            await anyio.to_thread.run_sync(edit_config, self._home, change)
            await self._daemon.reload()
        except HomeError as error:
            return error.message, error.next_step
        return DONE

    def _forced(self) -> dict[str, str]:
        names = {key: name for name, key in VARIABLES.items() if self._env.get(name, "").strip()}
        if self._password_forced:
            names[_PASSWORD] = passwords.VARIABLE
        return {key: name for key, name in names.items() if key.startswith("daemon.")}

    def _forced_away(self, values: Mapping[str, object]) -> Refusal | None:
        """What a variable sets would not change; saying nothing would be a lie."""
        forced = self._forced()
        for key in values:
            if key in forced and key != "daemon.hostnames":
                return (
                    f"The variable {forced[key]} of the daemon's environment sets {key}.",
                    "Change it there and start the daemon again.",
                )
        return None

    def _token_made_ms(self) -> int | None:
        try:
            token = load(self._home)
        except HomeError:
            return None
        return None if token is None else token.made_ms


def _not_valid(values: Mapping[str, object]) -> Refusal | None:
    """In words for a form: what the file's own check says would name a line that is not there."""
    for key, value in values.items():
        try:
            SETTINGS[key].accept(value)
        except ValueError as error:
            return f"`{key}` must be {error}.", "Nothing was changed."
    return None


def _refuse_open(listen: list[str]) -> None:
    """Raises DoorError for an address that other machines reach: no password is set."""
    for text in listen:
        try:
            address: Address = parse_listen(text)
        except ValueError:
            continue  # The configuration's own check says it better.
        refuse_without_password(address)


def _remove(document: TOMLDocument, key: str) -> None:
    *tables, name = key.split(".")
    part: object = document
    for table in tables:
        part = part.get(table, {})  # type: ignore[attr-defined]
    part.pop(name, None)  # type: ignore[attr-defined]


def _guests(peers: list[Peer]) -> list[Guest]:
    found = Counter((peer.way, _proof(peer), peer.role.value) for peer in peers)
    return [Guest(way, proof, role, count) for (way, proof, role), count in sorted(found.items())]


def _proof(peer: Peer) -> str:
    if peer.way in ("unix", "memory"):
        return "agent" if peer.role.value == "agent" else "local"
    return peer.credential.partition(":")[0]


def _reason(name: str | None, passes: bool, hostnames: tuple[str, ...] | bool) -> str:
    if name is None:
        return "This is no host name: it is refused whatever the setting says."
    if hostnames is True:
        return "Every host name passes, also one that a stranger's page made up."
    if not passes:
        return f"{name} is refused with 403: it is not among the accepted hostnames."
    if name == "localhost" or name.endswith(".localhost"):
        return f"{name} always passes: it is this machine."
    if any(
        pattern.lstrip(".") and name.endswith(pattern.lstrip(".")) for pattern in hostnames or ()
    ):
        return f"{name} is among the accepted hostnames."
    return f"{name} always passes: a page of a stranger cannot take an address as its name."


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode & 0o777  # noqa: PTH116
    except OSError:
        return None
