"""A runner, a program and a driver in memory: for moments that are hard to catch with real ones.

The program's language, one line each: `ready`, `say TEXT`, `tool ID`, `ask ID`, `end OUTCOME`.
What it hears: `start SESSION`, `prompt ID TEXT`, `answer ID BEHAVIOR`, `cancel`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from sereno.core.agents.context import Runners
from sereno.core.protocol.agents import Capabilities, Mode
from sereno.core.protocol.outgoing import Outgoing
from sereno.core.protocol.permissions import Deny, PermissionRequest, PermissionResponse
from sereno.core.protocol.timeline import AssistantMessage, ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.providers import effects
from sereno.core.providers.driver import CannotAnswer, DriverBusy, Prompt, Setup
from sereno.core.runners.model import (
    EndResult,
    Frame,
    ProcessInfo,
    RunnerGone,
    RunnerInfo,
    RunnerSpec,
    RunnerStartError,
    Seen,
    Stream,
)

Program = Callable[["Process", str], None]


@dataclass
class Process:
    """A runner and its program. `heard`: every line that the program was given, once each."""

    spec: RunnerSpec
    program: Program
    frames: list[Frame] = field(default_factory=list)
    written: set[int] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)
    alive: bool = True
    more: anyio.Event = field(default_factory=anyio.Event)

    def add(self, stream: Stream, data: bytes) -> None:
        end = (self.frames[-1].end if self.frames else 0) + 16 + len(data)
        self.frames.append(Frame(end, stream, 1_000_000 + end, data))
        self._wake()

    def say(self, *lines: str) -> None:
        for line in lines:
            self.add(Stream.OUT, line.encode() + b"\n")

    def complain(self, line: str) -> None:
        self.add(Stream.ERR, line.encode() + b"\n")

    def leave(self, code: int | None = None, signal: int | None = None) -> None:
        self.add(Stream.EXIT, json.dumps({"code": code, "signal": signal}).encode())

    def kill_runner(self) -> None:
        self.alive = False
        self._wake()

    def _wake(self) -> None:
        more, self.more = self.more, anyio.Event()
        more.set()


class Link:
    def __init__(self, process: Process, offset: int) -> None:
        self.process = process
        self.position = offset
        self.acknowledged = 0
        self.open = True
        self.closed_because = ""
        seen = Seen(1, "x")
        spec = process.spec
        self.info = RunnerInfo(spec.agent_id, spec.folder, "r", spec.command, 1, 1, seen, seen)

    async def frames(self) -> AsyncIterator[list[Frame]]:
        while True:
            more = self.process.more
            batch = [frame for frame in self.process.frames if frame.end > self.position]
            if batch:
                self.position = batch[-1].end
                yield batch
            elif not self.process.alive or not self.open:
                return
            else:
                await more.wait()

    async def write(self, write_id: int, data: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        process = self.process
        if not process.alive:
            raise RunnerGone("gone", "The runner is gone.", "")
        if write_id in process.written:
            return
        process.written.add(write_id)
        process.add(Stream.WROTE, write_id.to_bytes(8, "little", signed=True))
        for line in data.decode().splitlines():
            process.heard.append(line)
            process.program(process, line)

    async def acknowledge(self, offset: int) -> None:
        self.acknowledged = offset

    async def end(self, grace_s: float = 3.0) -> EndResult:
        process = self.process
        if not any(frame.stream is Stream.EXIT for frame in process.frames):
            process.leave(signal=15)
        process.kill_runner()
        return EndResult()

    async def aclose(self) -> None:
        self.open = False


class Machine:
    """All fake runners of a test; outlives the fleets that attach to them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.processes: dict[Path, Process] = {}
        self.refuse: RunnerStartError | None = None
        self.starts = 0
        self.removed: list[Path] = []

    @property
    def runners(self) -> Runners:
        return Runners(
            self.start,
            self.attach,  # type: ignore[arg-type]
            self.read_journal,
            self.sweep,
            self.list,
            self.remove,
            self.started,
            self.claimed,
        )

    @property
    def last(self) -> Process:
        return list(self.processes.values())[-1]

    async def start(self, spec: RunnerSpec) -> RunnerInfo:
        if self.refuse is not None:
            raise self.refuse
        self.starts += 1
        spec.folder.mkdir(parents=True)
        (spec.folder / "runner.json").write_text("{}")
        process = self.processes[spec.folder] = Process(spec, self.program)
        return Link(process, 0).info

    async def attach(self, folder: Path, offset: int) -> Link:
        process = self.processes.get(folder)
        if process is None or not process.alive:
            raise RunnerGone("gone", "The runner is gone.", "")
        return Link(process, offset)

    async def read_journal(self, folder: Path, offset: int) -> list[Frame]:
        process = self.processes.get(folder)
        return [] if process is None else [f for f in process.frames if f.end > offset]

    async def sweep(self, folder: Path) -> EndResult:
        return EndResult()

    def list(self, folder: Path) -> tuple[ProcessInfo, ...]:
        process = self.processes.get(folder)
        living = process is not None and process.alive
        return (ProcessInfo(1, 0, "fake", 10),) if living else ()

    def remove(self, folder: Path) -> None:
        self.removed.append(folder)

    def started(self, folder: Path) -> bool:
        return folder in self.processes

    def claimed(self, folder: Path) -> bool:
        return folder in self.processes


class FakeDriver:
    def __init__(self, setup: Setup, state: bytes | None) -> None:
        self.setup = setup
        kept: dict[str, Any] = json.loads(state) if state else {}
        self.prompt_id: str | None = kept.get("prompt")
        self.open: list[str] = kept.get("open", [])
        self.lines: int = kept.get("lines", 0)
        self._memory = b""

    def start(self, resume: str | None) -> list[effects.Effect]:
        return [effects.Send(f"start {resume or '-'}\n".encode())]

    def receive(self, data: bytes) -> list[effects.Effect]:
        found: list[effects.Effect] = []
        for line in data.decode().splitlines():
            self.lines += 1
            word, _, rest = line.partition(" ")
            found += self._line(word, rest)
        return found

    def _line(self, word: str, rest: str) -> list[effects.Effect]:
        match word:
            case "ready":
                names = ("ask", "plan", "danger")
                modes = tuple(Mode(id=name, label=name.title()) for name in names)
                ready = effects.Ready(
                    "s1", resumed=False, capabilities=Capabilities(), modes=modes, mode_id="ask"
                )
                return [ready]
            case "say":
                return [effects.Item(AssistantMessage(text=rest), delta=True)]
            case "tool":
                detail = ShellDetail(command=rest)
                call = ToolCall(call_id=rest, name=rest, detail=detail, status="completed")
                return [effects.Item(call)]
            case "ask":
                self.open.append(rest)
                request = PermissionRequest(id=rest, provider="fake", name="sh", kind="tool")
                return [effects.Asked(request)]
            case "end":
                prompt_id, self.prompt_id, self.open = self.prompt_id or "", None, []
                error = "It failed." if rest == "failed" else None
                return [effects.TurnEnded(prompt_id, rest, error)]  # type: ignore[arg-type]
            case "crash":
                raise RuntimeError("a mistake in a driver")
            case "unknown":
                return [effects.SessionFailed("It does not know that session.", "session_lost")]
            case "lost":
                return [effects.SessionFailed("The session is lost.", "start_failed", "Log in.")]
            case _:
                return [effects.Diagnostic("warning", f"what is {word!r}?")]

    def prompt(self, prompt: Prompt) -> list[effects.Effect]:
        if self.prompt_id is not None:
            raise DriverBusy
        self.prompt_id = prompt.id
        sent = effects.Send(f"prompt {prompt.id} {prompt.text}\n".encode())
        return [effects.TurnStarted(prompt.id), sent]

    def answer(self, request_id: str, response: PermissionResponse) -> list[effects.Effect]:
        if request_id not in self.open:
            raise CannotAnswer("request_gone", "It is gone.")
        self.open.remove(request_id)
        behavior = "deny" if isinstance(response, Deny) else "allow"
        return [effects.Send(f"answer {request_id} {behavior}\n".encode())]

    def interrupt(self) -> list[effects.Effect]:
        gone = [effects.Withdrawn(one, "cancelled") for one in self.open]
        self.open = []
        return [*gone, effects.Send(b"cancel\n")]

    def set_mode(self, mode_id: str) -> list[effects.Effect]:
        if mode_id == "danger":
            return [effects.Refused("mode", mode_id)]
        return [effects.Send(f"mode {mode_id}\n".encode()), effects.Changed(mode_id=mode_id)]

    def set_model(self, model_id: str | None) -> list[effects.Effect]:
        return [effects.Changed(model_id=model_id)]

    def set_thinking(self, option_id: str | None) -> list[effects.Effect]:
        return [effects.Changed(thinking_option_id=option_id)]

    def set_feature(self, feature_id: str, value: str) -> list[effects.Effect]:
        return []

    def exited(self, code: int | None, signal: int | None, tail: str) -> list[effects.Effect]:
        found: list[effects.Effect] = []
        if self.prompt_id is not None:
            found.append(effects.TurnEnded(self.prompt_id, "failed", f"It left: {tail}", "exited"))
        if code != 0 or self.prompt_id is not None:
            found.append(effects.SessionFailed(f"It left: {code} {tail}", "exited", "Again."))
        return found

    def snapshot(self) -> bytes:
        kept = {"prompt": self.prompt_id, "open": self.open, "lines": self.lines}
        memory = json.dumps(kept).encode()
        if memory != self._memory:
            self._memory = memory
        return self._memory


class FakeProvider:
    name, label = "fake", "Fake"
    command: tuple[str, ...] = ("fake",)

    def __init__(self) -> None:
        self.remembered: list[effects.Ready] = []

    def env(self, base: Mapping[str, str]) -> dict[str, str]:
        return {}

    def launch(self, setup: Setup, resume: str | None, env: Mapping[str, str]) -> tuple[str, ...]:
        return self.command

    def driver(self, setup: Setup, state: bytes | None = None) -> FakeDriver:
        return FakeDriver(setup, state)

    def remember(self, ready: effects.Ready) -> None:
        self.remembered.append(ready)


class FakeCatalog:
    def __init__(self) -> None:
        self.providers = {"fake": FakeProvider()}

    def get(self, name: str) -> FakeProvider | None:
        return self.providers.get(name)


class Audience:
    """A publisher that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Outgoing] = []
        self.more = anyio.Event()

    def publish(self, message: Outgoing) -> None:
        self.heard.append(message)
        self.more.set()
        self.more = anyio.Event()
