"""An answer that comes between the daemon's start and its reaching the runner is neither lost nor
told twice, whether that daemon lives on or dies before it could tell the program."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest

from sereno.core.agents.errors import RequestGone
from sereno.core.protocol.permissions import Allow
from sereno.core.runners.link import RunnerLink
from sereno.core.runners.model import Stream
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, running
from tests.core.agents.programs import obedient


@pytest.mark.parametrize("dies_again", [False, True])
async def test_an_answer_before_the_runner_is_reached(tmp_path: Path, dies_again: bool) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
    process = machine.last
    process.add(Stream.OUT, b"say half ")
    process.complain("between")
    process.add(Stream.OUT, b"a line\n")
    reach, attach = anyio.Event(), machine.runners.attach

    async def late(folder: Path, offset: int) -> RunnerLink:
        await reach.wait()
        return await attach(folder, offset)

    slow = msgspec.structs.replace(machine.runners, attach=late)
    async with running(tmp_path, slow) as place:
        with anyio.fail_after(5):
            await place.fleet.answer(agent, "r1", Allow(), by=BY)
        assert place.fleet.view(agent).snapshot.pending_permissions == []
        with pytest.raises(RequestGone):
            await place.fleet.answer(agent, "r1", Allow(), by="another")
        assert not [line for line in process.heard if line.startswith("answer")]
        if not dies_again:
            reach.set()
            await place.status(agent, "idle")
    reach.set()
    async with running(tmp_path, machine.runners) as place:
        await place.status(agent, "idle")
        assert "".join(await place.texts(agent)).count("half a line") == 1
        told = [line for line in process.heard if line.startswith("answer")]
        assert told == ["answer r1 allow"]
