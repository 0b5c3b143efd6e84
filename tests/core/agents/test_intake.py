"""A half line stays in the journal until its end has come: not in a snapshot, not written again,
and nothing of what came meanwhile is taken twice."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents.intake import Intake
from sereno.core.config import AgentsConfig, Config, ProviderConfig
from sereno.core.providers.catalog import Catalog
from sereno.core.runners.model import Frame, Stream
from tests.core.agents.fakes import Machine, Process
from tests.core.agents.place import Place, running
from tests.core.agents.programs import obedient

frames_of_a_run = st.lists(
    st.one_of(
        st.tuples(st.just(Stream.OUT), st.sampled_from([b"a\n", b"bc\nd\n", b"e", b"fgh"])),
        st.tuples(st.sampled_from([Stream.ERR, Stream.WROTE, Stream.NOTE]), st.just(b"x\n")),
    ),
    max_size=30,
)


def journal(parts: list[tuple[Stream, bytes]], begin: int = 0) -> list[Frame]:
    frames, end = [], begin
    for stream, data in parts:
        end += 16 + len(data)
        frames.append(Frame(end, stream, 1, data))
    return frames


@given(frames_of_a_run, st.data())
def test_laws_of_restarts(parts: list[tuple[Stream, bytes]], data: st.DataObject) -> None:
    """Whenever a daemon is killed, what all of them gave to the driver is what was said, up to the
    last line end, and no frame is needed from before the position."""
    frames = journal(parts)
    said = b"".join(frame.data for frame in frames if frame.stream is Stream.OUT)
    given_to_driver = b""
    intake = Intake(0, 1 << 30)
    position = 0
    for _ in range(3):
        rest = [frame for frame in frames if frame.end > position]
        for frame in rest[: data.draw(st.integers(0, len(rest)))]:
            given_to_driver += intake.take(frame)
            assert intake.waits == (intake.position < frame.end)
        assert intake.position >= position
        position = intake.position
        intake.rewind(position)
    for frame in [frame for frame in frames if frame.end > position]:
        given_to_driver += intake.take(frame)
    assert given_to_driver == said[: said.rfind(b"\n") + 1]
    assert given_to_driver + intake.rest() == said


def test_too_much_behind_the_position_is_given_as_it_is() -> None:
    parts = [(Stream.OUT, b"half"), (Stream.ERR, b"x" * 90), (Stream.OUT, b"more\n")]
    intake = Intake(0, 100)
    half, err, end = journal(parts)
    assert (intake.take(half), intake.position) == (b"", 0)
    assert (intake.take(err), intake.position) == (b"half", err.end)
    assert (intake.take(end), intake.position) == (b"more\n", end.end)


def test_the_exit_brings_the_rest() -> None:
    half, exit_frame = journal([(Stream.OUT, b"half"), (Stream.EXIT, b"{}")])
    intake = Intake(0, 1000)
    intake.take(half)
    assert (intake.take(exit_frame), intake.position) == (b"half", exit_frame.end)


async def committed(place: Place, agent: str, process: Process) -> None:
    """Until all that the process said is taken: the log knows a last word on stderr."""
    word = f"mark {len(process.frames)}"
    process.complain(word)
    with anyio.fail_after(10):
        while not any(one.text == word for one in (await place.fleet.log(agent)).lines):
            await anyio.sleep(0.01)


async def position(place: Place) -> int:
    def read(connection: object) -> int:
        row = connection.execute("SELECT position FROM progress").fetchone()  # type: ignore[attr-defined]
        return int(row[0])

    return await place.database.read(read)


async def test_a_half_line_over_a_restart(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        process = machine.last
        process.add(Stream.OUT, b"say one ")
        await committed(place, agent, process)
        begin = await position(place)
        process.add(Stream.OUT, b"line, ")
        await committed(place, agent, process)
        assert await position(place) == begin < process.frames[-1].end
    async with running(tmp_path, machine.runners) as place:
        process.complain("between")
        process.add(Stream.OUT, b"once\n")
        process.say("end completed")
        await place.status(agent, "idle")
        assert (await place.texts(agent))[-1] == "one line, once"
        words = [one.text for one in (await place.fleet.log(agent)).lines if one.area == "stderr"]
        assert [word.split()[0] for word in words] == ["mark", "mark", "between"]
        assert await position(place) == process.frames[-1].end


def acp(process: Process, line: str) -> None:
    """As much of a real protocol as a turn needs; the turn ends with `Process.say`."""
    message = json.loads(line)
    match message.get("method"):
        case "initialize":
            reply(process, message["id"], {"protocolVersion": 1, "agentCapabilities": {}})
        case "session/new":
            reply(process, message["id"], {"sessionId": "s1"})
        case "session/prompt":
            update = {"sessionUpdate": "agent_message_chunk"}
            process.say(chunk({**update, "content": {"type": "text", "text": "Working."}}))


def reply(process: Process, number: int, result: object) -> None:
    process.say(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}))


def chunk(update: object) -> str:
    params = {"sessionId": "s1", "update": update}
    return json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": params})


async def test_a_half_line_is_written_once(tmp_path: Path) -> None:
    """4 MiB in pieces of 64 KiB: in the snapshots they would be written 130 MiB, and more."""
    machine = Machine(acp)
    catalog = Catalog(Config(providers={"it": ProviderConfig("it", "acp", command=("x",))}))
    async with running(tmp_path, machine.runners, catalog=catalog) as place:
        agent = (await place.create("work", "it")).snapshot.id
        await place.until_said("Working.")
        text = "x" * (4 << 20)
        update = {"sessionUpdate": "agent_message_chunk"}
        line = chunk({**update, "content": {"type": "text", "text": text}}).encode() + b"\n"
        before = written()
        for start in range(0, len(line), 65_536):
            machine.last.add(Stream.OUT, line[start : start + 65_536])
            if start < len(line) - 65_536:
                await committed(place, agent, machine.last)
        assert written() - before < 4 << 20
        with anyio.fail_after(10):
            while "".join((await place.texts(agent))[1:]).count("x") < len(text):
                await anyio.sleep(0.02)


def written() -> int:
    """Bytes that this process wrote until now, into whatever file."""
    words = Path("/proc/self/io").read_text().split()
    return int(words[words.index("wchar:") + 1])


async def test_the_end_of_a_program_brings_its_half_line(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        machine.last.add(Stream.OUT, b"say last words")
        machine.last.leave(code=3)
        await place.status(agent, "error")
        assert "last words" in await place.texts(agent)


async def test_a_journal_that_fills_up_behind_a_half_line_is_freed(tmp_path: Path) -> None:
    """Else a program that prints no line end but many errors would stand still for ever."""
    machine = Machine(obedient)
    config = Config(agents=AgentsConfig(journal_limit_mb=1))
    async with running(tmp_path, machine.runners, config=config) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        process = machine.last
        process.add(Stream.OUT, b"say half ")
        await committed(place, agent, process)
        for _ in range(6):
            process.complain("e" * 100_000)
        await committed(place, agent, process)
        assert await position(place) == process.frames[-1].end
