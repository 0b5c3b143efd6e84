"""The files that clients may reach: which folders, how many at a time, by which tokens.

One of it for each daemon. A folder counts if an agent of ours works, or worked, in it, or if the
person opened it; nothing else on the machine does, whatever a client calls it (C-77). The work is
done in a few threads of its own, so that a slow disk holds up nobody else.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol, Self, TypeVar

import anyio
import anyio.to_thread
import msgspec

from sereno.core.agents.views import AgentView
from sereno.core.protocol.values import given
from sereno.core.security.confinement import PathRefused, shown, steps_of
from sereno.core.security.roles import Role
from sereno.core.security.tickets import Tickets
from sereno.core.sessions.channel import Peer
from sereno.core.workspaces.beneath import Identity, Walk
from sereno.core.workspaces.contents import Facts, Folder, facts_of, list_folder
from sereno.core.workspaces.icons import Icon, find_icon

__all__ = ["Files", "OpenFile"]

THREADS: Final = 4
"""Looks at the disk that are under way at the same time."""
EACH: Final = 8
"""Files that one credential has open; the next one waits."""
TOTAL: Final = 32

T = TypeVar("T")


class Agents(Protocol):
    """What is needed of the fleet."""

    def list(self) -> Sequence[AgentView]: ...


class _Fetch(msgspec.Struct, frozen=True):
    """What a token is for."""

    root: str
    steps: tuple[str, ...]
    identity: Identity


class OpenFile:
    """One file, read in order; `close` it. What was judged is what is open."""

    def __init__(self, file: io.FileIO, facts: Facts, limiter: anyio.CapacityLimiter) -> None:
        self.facts = facts
        self._file = file
        self._limiter = limiter

    async def read(self, most: int) -> bytes:
        """The next bytes; none at its end. Raises PathRefused."""
        try:
            return (
                await anyio.to_thread.run_sync(self._file.read, most, limiter=self._limiter) or b""
            )
        except OSError as error:
            raise PathRefused(
                "unreadable", f"{shown(self.facts.name)} cannot be read: {error.strerror}."
            ) from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Files:
    """Belongs to the daemon's loop."""

    def __init__(
        self,
        agents: Agents,
        state: Path,
        note: Callable[[str, str, str, dict[str, str]], Coroutine[None, None, None]],
        *,
        opened: Callable[[], Iterable[str]] = lambda: (),
        random: Callable[[int], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`state`: Sereno's own home, which nobody gets into. `note`: an entry for the audit.
        `opened`: folders that count although no agent works there yet."""
        self._agents = agents
        self._state = state
        self._note = note
        self._opened = opened
        self._clock = clock
        self._tickets: Tickets[_Fetch] = Tickets(random or _token)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._lanes = _Lanes()

    # Looking

    async def folder(self, cwd: str, path: str, tell: Callable[[tuple[str, ...], Folder], T]) -> T:
        """What `tell` makes of the steps to a folder and of what it holds: in the same thread,
        because it may hold much. Raises PathRefused."""
        root = self.known(cwd)
        steps = steps_of(path, root)
        return await self._look(root, lambda walk: tell(steps, list_folder(walk, steps)))

    @asynccontextmanager
    async def open(
        self, peer: Peer, by: str, cwd: str, path: str, fits: Callable[[Facts], None]
    ) -> AsyncIterator[OpenFile]:
        """A file to be shown, when it is this client's turn; `fits` raises PathRefused for one
        that is not. The audit has it before anybody gets a byte. Raises PathRefused, StoreError."""
        root = self.known(cwd)
        steps = steps_of(path, root)
        async with self._lanes.of(peer.credential):
            with await self._look(root, lambda walk: self._open(walk, steps)) as file:
                fits(file.facts)
                await self._told(by, "file.read", root, steps, file.facts)
                yield file

    async def icon(self, cwd: str) -> Icon | None:
        """Of an agent's folder, or of the checkout that it lies in. Raises PathRefused."""
        return await self._look(self.known(cwd, projects=True), find_icon)

    # Fetching

    async def offer(self, peer: Peer, by: str, cwd: str, path: str) -> tuple[str, Facts]:
        """A token that fetches this very file once. Raises PathRefused, StoreError."""
        root = self.known(cwd)
        steps = steps_of(path, root)
        with await self._look(root, lambda walk: self._open(walk, steps)) as file:
            facts = file.facts
        await self._told(by, "file.offer", root, steps, facts)
        fetch = _Fetch(root, steps, facts.identity)
        asker, holder = _credential(peer), _holder(peer)
        return self._tickets.make(fetch, asker, holder, self._clock()), facts

    @asynccontextmanager
    async def fetch(self, token: str, peer: Peer, *, look: bool) -> AsyncIterator[OpenFile | None]:
        """What a token is for, which uses it up; None for a token that is not good. `look`: only
        what it is, is asked. Raises PathRefused, StoreError."""
        use = self._tickets.look if look else self._tickets.take
        wanted = use(token, _credential(peer), self._clock())
        if wanted is None:
            yield None
            return
        async with self._lanes.of(peer.credential):
            opening = self._look(wanted.root, lambda walk: self._open(walk, wanted.steps))
            with await opening as file:
                if file.facts.identity != wanted.identity:
                    raise PathRefused(
                        "changing",
                        f"{shown(file.facts.name)} is another file than the token was made for.",
                        "Ask for another token.",
                    )
                if not look:
                    by = f"{peer.role.value} ({peer.way})"
                    await self._told(by, "file.fetch", wanted.root, wanted.steps, file.facts)
                yield file

    # The work

    def known(self, cwd: str, *, projects: bool = False) -> str:
        """The folder that a client means, if it counts; with `projects` also the checkout that it
        lies in. Raises PathRefused."""
        wanted = {cwd, os.path.normpath(cwd)} if cwd else set()
        for view in self._agents.list():
            places = [view.snapshot.cwd]
            if projects:
                checkout = view.project.checkout
                roots = (checkout.main_repo_root, given(checkout.worktree_root, None))
                places += [one for one in roots if one]
            for place in places:
                if place in wanted:
                    return place
        for place in self._opened():
            if place in wanted:
                return place
        raise PathRefused(
            "unknown_folder",
            f"No agent works in {shown(cwd) or 'a folder without a name'}.",
            "Name the working directory of an agent, or open it as a project first.",
        )

    async def _look(self, root: str, work: Callable[[Walk], T]) -> T:
        def at_once() -> T:
            try:
                with Walk.begin(root, self._state) as walk:
                    return work(walk)
            except OSError as error:
                words = f"{shown(root)} cannot be read: {error.strerror}."
                raise PathRefused("unreadable", words) from error

        return await anyio.to_thread.run_sync(at_once, limiter=self._threads)

    def _open(self, walk: Walk, steps: tuple[str, ...]) -> OpenFile:
        file = walk.open_file(steps)
        try:
            return OpenFile(file, facts_of(file, steps[-1]), self._threads)
        except BaseException:
            file.close()
            raise

    async def _told(
        self, by: str, action: str, root: str, steps: tuple[str, ...], facts: Facts
    ) -> None:
        told = {"folder": shown(root), "bytes": str(facts.size)}
        await self._note(by, action, shown("/".join(steps)), told)


def _token(size: int) -> str:
    import secrets  # Not at a daemon's start.

    return secrets.token_urlsafe(size)


def _holder(peer: Peer) -> str | None:
    """For whom a token is. No HTTP request comes through a relay, so who asked there fetches by
    another way in, where they show who they are anew."""
    return None if peer.way == "relay" else _credential(peer)


def _credential(peer: Peer) -> str:
    """The owner is one, by whatever way."""
    return "owner" if peer.role is Role.OWNER else peer.credential


class _Lanes:
    """Who has how many files open: a few each, some more all together."""

    def __init__(self) -> None:
        self._all = anyio.Semaphore(TOTAL)
        self._each: dict[str, tuple[anyio.Semaphore, int]] = {}

    @asynccontextmanager
    async def of(self, credential: str) -> AsyncIterator[None]:
        lane, users = self._each.get(credential, (anyio.Semaphore(EACH), 0))
        self._each[credential] = (lane, users + 1)
        try:
            async with lane, self._all:
                yield
        finally:
            lane, users = self._each.pop(credential)
            if users > 1:
                self._each[credential] = (lane, users - 1)
