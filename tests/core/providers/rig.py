"""A small shell for tests: a driver and a real process, effects collected, conditions awaited.

What core/agents does with a database and a runner is here a list and a pipe.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sereno.core.protocol.permissions import Allow, PermissionResponse
from sereno.core.protocol.timeline import AssistantMessage, Reasoning, ToolCall
from sereno.core.providers.driver import Driver, Prompt
from sereno.core.providers.effects import Asked, Effect, Item, Ready, Send, TurnEnded, TurnStarted

__all__ = ["Rig", "calls", "text_of", "thoughts_of"]

E = TypeVar("E")


def text_of(effects: list[Effect]) -> str:
    """The assistant's text, deltas joined."""
    return "".join(
        e.item.text for e in effects if isinstance(e, Item) and isinstance(e.item, AssistantMessage)
    )


def thoughts_of(effects: list[Effect]) -> str:
    return "".join(
        e.item.text for e in effects if isinstance(e, Item) and isinstance(e.item, Reasoning)
    )


def calls(effects: list[Effect]) -> dict[str, ToolCall]:
    """The last state of each tool call."""
    return {
        e.item.call_id: e.item
        for e in effects
        if isinstance(e, Item) and isinstance(e.item, ToolCall)
    }


class Rig:
    """Runs one program. `rebuild` makes a driver from a snapshot: used by `restart_daemon`."""

    def __init__(
        self,
        command: tuple[str, ...],
        env: Mapping[str, str],
        cwd: Path,
        make: Callable[[bytes | None], Driver],
    ) -> None:
        self._command, self._env, self._cwd, self._make = command, dict(env), cwd, make
        self.driver = make(None)
        self.effects: list[Effect] = []
        self.always_restart = False
        self.stderr = b""
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._env,
            cwd=self._cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_errors()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 3)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await asyncio.gather(*self._tasks)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(1 << 16):
            self.take(self.driver.receive(data))
            if self.always_restart:
                self.restart_daemon()
        code = await self.process.wait()
        await self._tasks[1]
        negative = code < 0
        tail = self.stderr.decode("utf-8", "replace")
        self.take(self.driver.exited(None if negative else code, -code if negative else None, tail))

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(1 << 16):
            self.stderr = (self.stderr + data)[-8_000:]

    def restart_daemon(self) -> None:
        """The daemon is gone and back; the program never noticed."""
        self.driver = self._make(self.driver.snapshot())

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send) and self.process.stdin is not None:
                self.process.stdin.write(effect.data)
        self.effects += effects
        self._changed.set()

    async def until(
        self, wanted: type[E], where: Callable[[E], bool] = lambda _: True, timeout_s: float = 60
    ) -> E:
        """The first effect of this kind, already here or to come; it and what was before it are
        then taken off the list of what is waited for, but stay in `effects`.
        """
        start = self._seen
        async with asyncio.timeout(timeout_s):
            while True:
                for index in range(start, len(self.effects)):
                    effect = self.effects[index]
                    if isinstance(effect, wanted) and where(effect):
                        self._seen = index + 1
                        return effect
                self._changed.clear()
                await self._changed.wait()

    _seen = 0

    async def open(self, resume: str | None = None) -> Ready:
        self.take(self.driver.start(resume))
        return await self.until(Ready)

    def prompt(self, text: str, prompt_id: str = "p") -> None:
        self.take(self.driver.prompt(Prompt(prompt_id, text)))

    def prompts_sent(self) -> int:
        return len([effect for effect in self.effects if isinstance(effect, TurnStarted)])

    def answer(self, request_id: str, response: PermissionResponse) -> None:
        self.take(self.driver.answer(request_id, response))

    async def turn(
        self, text: str, response: PermissionResponse | None = None
    ) -> tuple[list[Effect], TurnEnded]:
        """A whole turn; every request gets `response` (default: allow). Its effects and its end."""
        begin = len(self.effects)
        self.prompt(text)
        while True:
            effect = await self.until(Asked | TurnEnded)  # type: ignore[arg-type]
            if isinstance(effect, TurnEnded):
                return self.effects[begin:], effect
            assert isinstance(effect, Asked)
            self.answer(effect.request.id, response or Allow())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
