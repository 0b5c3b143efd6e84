"""The link gives each frame once and in order, to whoever may attach. Not here: writes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from sereno.core.home import connect_path
from sereno.core.runners import link as link_module
from sereno.core.runners.attach import attach
from sereno.core.runners.connection import Connection
from sereno.core.runners.link import READ_AHEAD
from sereno.core.runners.model import (
    JournalGap,
    RunnerError,
    RunnerGone,
    RunnerVersionError,
    Stream,
)
from sereno.core.runners.process.wire import (
    GREETING,
    MAGIC,
    OFFSET,
    FrameReader,
    Kind,
    RawFrame,
    frame,
)
from tests.core.runners.place import Place, lives, pids_in, python, shell, until

ECHO_SLOWLY = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(b"got " + line)
    sys.stdout.buffer.flush()
"""


async def test_lines_come_up_and_writes_go_down(place: Place) -> None:
    reader = await place.run(*python(ECHO_SLOWLY), acknowledge=True)
    for write_id in range(1, 101):
        await reader.link.write(write_id, b"line %d\n" % write_id)
    await reader.until_said(b"got line 100\n")
    assert reader.said() == b"".join(b"got line %d\n" % number for number in range(1, 101))
    await until(lambda: len(reader.written()) == 100, "all is confirmed")
    assert reader.written() == list(range(1, 101))
    assert (await reader.link.end()).verified
    assert await reader.until_exit() == '{"code":0,"signal":null}'
    assert await reader.finished() == "gone"
    await until(lambda: not lives(reader.link.info.runner_pid), "the runner is gone")


async def test_every_frames_end_is_a_place_to_go_on_from(place: Place) -> None:
    info = await place.start(*shell("for n in 1 2 3 4 5; do echo $n; echo e$n >&2; done; cat"))
    first = await place.attach(info)
    await first.until_said(b"5\n")
    await first.until_said(b"e5\n", Stream.ERR)
    whole = first.frames
    for index, one in enumerate(whole):
        again = await place.attach(info, one.end)
        rest = whole[index + 1 :]
        await again.until_count(len(rest))
        assert again.frames == rest
    assert [one.at_ms for one in whole] == sorted(one.at_ms for one in whole)


async def test_an_offset_that_the_journal_does_not_hold(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 200000; cat"), limit=1 << 20)
    reader = await place.attach(info)
    await until(lambda: len(reader.said()) == 200_000, "all was said")
    end = reader.frames[-1].end
    await reader.link.acknowledge(end)
    await until(lambda: len(list(info.folder.glob("journal.*"))) == 1, "segments are dropped")
    for offset in (0, end + 1, end + 10**12):
        with pytest.raises(JournalGap) as caught:
            await attach(info.folder, offset)
        assert caught.value.end == end
        assert 0 < caught.value.first <= end
    assert (await place.attach(info, end)).link.closed_because == ""


async def test_a_new_daemon_replaces_the_old_one(place: Place) -> None:
    info = await place.start("cat")
    old = await place.attach(info)
    new = await place.attach(info)
    assert await old.finished() == "replaced"
    for act in (old.link.write(1, b"old\n"), old.link.end()):
        with pytest.raises(RunnerError, match="Another daemon") as caught:
            await act
        assert caught.value.code == "replaced"
    await new.link.write(1, b"new\n")
    await new.until_said(b"new\n")
    assert new.said() == b"new\n"


async def test_a_stuck_daemon_is_replaced_in_the_middle_of_a_frame(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 20000000; cat"))
    stuck = await raw_connection(info.folder)
    stuck.sendall(hello())
    assert stuck.recv(1)  # the runner sends, and nobody reads on
    reader = await place.attach(info, acknowledge=True)
    await until(lambda: len(reader.said()) == 20_000_000, "all was said")
    stuck.close()


async def raw_connection(folder: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    with connect_path(folder / "runner.sock") as name:
        sock.connect(name)
    return sock


def hello(oldest: int = 1, newest: int = 1, offset: int = 0) -> bytes:
    return frame(Kind.HELLO, GREETING.pack(MAGIC, oldest, newest, offset))


async def test_the_runner_itself_ignores_an_id_that_it_has_taken_over(place: Place) -> None:
    info = await place.start("cat")
    sock = await raw_connection(info.folder)
    again = frame(Kind.WRITE, OFFSET.pack(1) + b"once\n")
    sock.sendall(hello() + again * 5 + frame(Kind.WRITE, OFFSET.pack(2) + b"then\n"))
    reader = await place.attach(info)
    await reader.until_said(b"then\n")
    assert reader.said() == b"once\nthen\n"
    sock.close()


async def test_an_agent_that_closes_its_outputs_and_lives_on(place: Place) -> None:
    reader = await place.run(*shell("exec >&- 2>&-; exec sleep 1000"))
    await until(lambda: len(reader.notes()) == 2, "both are told")
    assert sorted(reader.notes()) == ["stderr_closed", "stdout_closed"]
    assert reader.exit() is None


async def test_half_a_line_comes_in_the_end(place: Place) -> None:
    reader = await place.run(*shell("printf 'whole\\nhalf'; read line; printf ' more\\n'; cat"))
    await reader.until_said(b"half")
    outs = [one for one in reader.frames if one.stream is Stream.OUT]
    assert [(one.data, one.partial) for one in outs] == [(b"whole\n", False), (b"half", True)]
    await reader.link.write(1, b"go\n")
    await reader.until_said(b"half more\n")


async def test_a_half_line_before_the_exit_is_not_lost(place: Place) -> None:
    reader = await place.run(*shell("printf 'error: no newline' >&2; exit 3"))
    assert await reader.until_exit() == '{"code":3,"signal":null}'
    assert reader.said(Stream.ERR) == b"error: no newline"


async def test_garbage_and_floods_on_both_outputs_come_whole(place: Place) -> None:
    code = """
import os, sys
junk = bytes(range(256)) * 8
for n in range(2000):
    os.write(1, junk)
    os.write(2, junk)
"""
    reader = await place.run(*python(code), acknowledge=True)
    await reader.until_exit()
    junk = bytes(range(256)) * 8 * 2000
    assert reader.said() == junk
    assert reader.said(Stream.ERR) == junk


async def test_a_line_of_many_megabytes_is_cut_into_bounded_frames(place: Place) -> None:
    reader = await place.run(*python("print('x' * 9_000_000)"), acknowledge=True)
    await reader.until_exit()
    outs = [one for one in reader.frames if one.stream is Stream.OUT]
    assert b"".join(one.data for one in outs) == b"x" * 9_000_000 + b"\n"
    assert max(len(one.data) for one in outs) < 1_200_000
    assert [one.partial for one in outs] == [True] * (len(outs) - 1) + [False]


async def test_a_reader_that_takes_nothing_is_read_ahead_only_so_far(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 30000000; cat"))
    link = await attach(info.folder, 0)
    place.links.append(link)
    await until(lambda: link._ready_bytes > READ_AHEAD, "the link has read ahead")
    size = link._ready_bytes
    await asyncio.sleep(0.1)
    assert link._ready_bytes == size < 2 * READ_AHEAD
    total = 0
    async for batch in link.frames():
        total += sum(len(one.data) for one in batch if one.stream is Stream.OUT)
        if total == 30_000_000:
            break


async def test_an_end_is_heard_though_nobody_takes_the_frames(place: Place) -> None:
    info = await place.start(*shell("yes | head -c 30000000; cat"))
    link = await attach(info.folder, 0)
    place.links.append(link)
    await until(lambda: link._ready_bytes > READ_AHEAD, "the link has read ahead")
    assert (await link.end()).verified


async def test_a_daemon_of_the_next_release_is_understood(place: Place) -> None:
    info = await place.start("cat")
    sock = await raw_connection(info.folder)
    greeting = GREETING.pack(MAGIC, 1, 7, 0) + b"fields that only a later release knows"
    unknown = frame(199, b"a later release's wish") + frame(7)
    write = frame(Kind.WRITE, OFFSET.pack(1) + b"hello\n")
    sock.sendall(frame(Kind.HELLO, greeting) + unknown + write)
    reader = FrameReader()
    raws: list[RawFrame] = []
    while not any(raw[0] == Kind.OUT for raw in raws):
        raws += reader.feed(await asyncio.to_thread(sock.recv, 65536))
    assert raws[0][0] == Kind.WELCOME
    assert json.loads(raws[0][3])["protocol"] == 1
    sock.close()


async def test_a_daemon_that_dropped_this_version_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = await place.start("cat")
    here = await place.attach(info)
    monkeypatch.setattr(link_module, "PROTOCOL_OLDEST", 2)
    monkeypatch.setattr(link_module, "PROTOCOL_NEWEST", 3)
    with pytest.raises(RunnerVersionError, match="speaks protocol 1-1, this daemon 2-3"):
        await attach(info.folder, 0)
    await here.link.write(1, b"still attached\n")
    await here.until_said(b"still attached\n")


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n" * 10,
        frame(Kind.HELLO, b"short"),
        frame(Kind.HELLO, b"XXXX" + bytes(12)),
        frame(Kind.WRITE, OFFSET.pack(1) + b"without a hello\n"),
        frame(Kind.END, OFFSET.pack(0)),
        hello() + hello(),
        hello() + frame(Kind.WRITE, b"abc"),
        hello() + frame(Kind.WRITE, OFFSET.pack(1) + b"x")[:-1] + b"y",
        bytes(1000),
    ],
)
async def test_noise_on_the_socket_harms_nobody(place: Place, noise: bytes) -> None:
    info = await place.start("cat")
    sock = await raw_connection(info.folder)
    sock.sendall(noise)
    sock.shutdown(socket.SHUT_WR)
    while await asyncio.to_thread(sock.recv, 65536):
        pass
    sock.close()
    reader = await place.attach(info)
    await reader.link.write(1, b"unharmed\n")
    await reader.until_said(b"unharmed\n")
    assert reader.said() == b"unharmed\n"


async def test_a_process_of_the_agent_may_not_talk_to_its_runner(place: Place) -> None:
    """Else a tool could answer the request that asks whether it may run."""
    code = f"""
import os, socket, sys, time
path = sys.stdin.readline().strip()
def knock():
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    try:
        sock.sendall(bytes.fromhex({hello().hex()!r}))
        print("answer", sock.recv(1000)[16:].decode())
    except (ConnectionResetError, BrokenPipeError):
        print("answer", "none")
knock()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.1)
        knock()
    os._exit(0)
time.sleep(1000)
"""
    reader = await place.run(sys.executable, "-I", "-u", "-c", code)
    os.symlink(reader.link.info.folder, "/tmp/" + reader.link.info.run)
    try:
        path = f"/tmp/{reader.link.info.run}/runner.sock\n"
        await reader.link.write(1, path.encode())
        await until(lambda: reader.said().count(b"\n") == 2, "both knocked")
        allowed = {b"answer agent:a process of an agent may not attach"}
        assert set(reader.said().splitlines()) == allowed
        assert reader.link.closed_because == ""
    finally:
        os.unlink("/tmp/" + reader.link.info.run)


async def test_a_whole_sereno_inside_an_agent_may_talk_to_its_own_runners(place: Place) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from sereno.core.runners.attach import attach
from sereno.core.runners.start import start_runner
from sereno.core.runners.model import RunnerSpec, Stream
async def main():
    spec = RunnerSpec("inner", Path("inner"), ("/bin/cat",), Path("/"), {{}})
    info = await start_runner(spec)
    link = await attach(info.folder, 0)
    await link.write(1, b"inner\\n")
    async for batch in link.frames():
        if any(one.data == b"inner\\n" for one in batch):
            break
    print("pids", info.runner_pid, info.child_pid)
    await link.aclose()
asyncio.run(main())
"""
    reader = await place.run(sys.executable, "-c", code)
    assert await reader.until_exit() == '{"code":0,"signal":null}'
    pids = pids_in(reader.said())
    assert len(pids) == 2
    assert not any(map(lives, pids))  # an agent's end ends what it started, runners included


async def test_t46_a_daemon_inside_an_agent_is_refused_and_the_runner_not_taken_for_dead(
    place: Place,
) -> None:
    other = await place.run("cat")
    code = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from sereno.core.runners.attach import attach
from sereno.core.runners.model import RunnerError
try:
    asyncio.run(attach(Path({str(other.link.info.folder)!r}), 0))
except RunnerError as error:
    print(type(error).__name__, error.code, error.message)
"""
    inside = await place.run(sys.executable, "-c", code)
    await inside.until_exit()
    assert inside.said().startswith(b"RunnerError refused"), inside.said(Stream.ERR)
    assert b"inside another agent" in inside.said()
    assert other.link.closed_because == ""
    assert lives(other.link.info.runner_pid)


async def test_a_living_runner_that_closes_without_a_word_is_not_taken_for_dead(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = await place.start("cat")
    monkeypatch.setattr(Connection, "send", lambda self, *_: self.abort())
    with pytest.raises(RunnerError) as caught:
        await attach(info.folder, 0)
    assert (type(caught.value), caught.value.code) == (RunnerError, "refused")
    assert lives(info.runner_pid)


async def test_attaching_where_no_runner_lives(place: Place, tmp_path: Path) -> None:
    with pytest.raises(RunnerGone):
        await attach(tmp_path / "nothing", 0)
    reader = await place.run("true", acknowledge=True)
    assert await reader.finished() == "gone"
    with pytest.raises(RunnerGone):
        await attach(reader.link.info.folder, 0)


async def test_a_closed_link_says_so(place: Place) -> None:
    reader = await place.run("cat")
    await reader.link.aclose()
    await reader.link.aclose()
    assert await reader.finished() == "closed"
    await reader.link.acknowledge(1)
    with pytest.raises(RunnerError) as caught:
        await reader.link.write(1, b"x")
    assert caught.value.code == "closed"
