"""`sereno relay` as a process: without a home, ended by a signal, with a log that names nobody."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from websockets.asyncio.client import connect

from sereno.tui.cli.entry import main
from tests.relay_server.running import ended

LIMIT_S = 30.0
SECRET = "srv_SECRETSECRET"


@asynccontextmanager
async def started(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sereno", "relay", *words),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        with anyio.fail_after(LIMIT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lines_to(process: asyncio.subprocess.Process, word: str) -> str:
    """What it says, to the end of the line with this word."""
    assert process.stderr is not None
    said = ""
    while word not in said:
        line = (await process.stderr.readline()).decode()
        assert line, f"it ended without saying {word}"
        said += line
    return said


async def test_it_serves_until_it_is_told_to_stop_and_its_log_names_nobody(tmp_path: Path) -> None:
    words = ("--listen", "127.0.0.1:0", "--log-level", "debug", "--max-clients", "1")
    async with started(tmp_path, *words) as process:
        found = re.search(r"ws://\S+", await lines_to(process, "listening on"))
        assert found is not None
        url = f"{found[0]}/ws?serverId={SECRET}&role=client&v=2&connectionId=conn_SECRET"
        async with connect(url, proxy=None) as first, connect(url, proxy=None) as second:
            await first.send("SECRET words")
            assert (await ended(second))[0] == 1013
            process.send_signal(signal.SIGHUP)
            said = await lines_to(process, "certificate")
            process.send_signal(signal.SIGTERM)
            assert await ended(first) == (1012, "Relay stopping")
        said += await lines_to(process, "stopped;")
        assert await process.wait() == 0
    assert re.search(r"v2 client of [0-9a-f]{10} opened", said)
    assert "Too many clients of this id" in said
    assert "SECRET" not in said
    assert list(tmp_path.iterdir()) == [], "it needs no home, and makes none"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--listen", "nonsense"), "is no address to listen on"),
        (("--listen-tls", "127.0.0.1:0"), "--listen-tls, --cert and --key together"),
        (("--trust-proxy", "nonsense"), "is no address or network of a proxy"),
        (("--max-ids", "0"), "0 is not in the range"),
    ],
)
def test_what_it_cannot_do_it_says(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["relay", *words]) == 2
    assert said in capsys.readouterr().err
