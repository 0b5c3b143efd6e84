"""What a daemon has loaded when it answers for the first time: nothing that can come later.

What is not loaded costs no time, on any machine. The figures are in bench/start.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError
from sereno.core.home import Home, prepare
from sereno.core.home.token import load_or_make

PATIENCE = 40.0
FOR_LATER = (
    # The screen and the command line.
    "click",
    "markdown_it",
    "pygments",
    "rich",
    "textual",
    # For what a person changes or asks for.
    "bcrypt",
    "segno",
    "tomlkit",
    "sereno.core.client",
    # For a relay that is switched on, and for its channels.
    "cryptography",
    "nacl",
    "noise",
    "websockets.asyncio",
    "websockets.client",
    # What agent programs say is read where there are agents.
    "sereno.core.providers.acp.driver",
    "sereno.core.providers.claude.driver",
    "sereno.core.providers.codex.driver",
    "sereno.core.providers.jsonrpc",
    # What libraries load beside what we need of them.
    "bz2",
    "csv",
    "difflib",
    "email.message",
    "encodings.idna",
    "importlib.metadata._meta",
    "lzma",
    "mimetypes",
    "tempfile",
    "unittest",
    "zipfile",
)
"""By name, or with all below it."""
ON_EACH_MESSAGE = {
    "sereno.core.sessions.checks._CLAIMS_FREE",
    "sereno.core.sessions.limits._STRING",
    "sereno.core.sessions.shape._COLON",
    "sereno.core.sessions.shape._MARK",
}
"""Patterns that the first answer needs, or the first request behind it."""

CODE = """
import json, re, signal, sys
from sereno.lazily import NOT_AT_START

def tell(number, frame):
    loaded = [name for name, one in sys.modules.items() if getattr(one, "__spec__", None)]
    compiled = [f"{module.__name__}.{name}" for module in list(sys.modules.values())
                for name, value in vars(module).items() if isinstance(value, re.Pattern)
                and module.__name__.startswith("sereno.")]
    made = [
        value for module in list(sys.modules.values()) for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    rows = [f"{one.__module__}.{one.__qualname__}" for one in made
            if one.__module__.startswith("sereno.") and "__dataclass_fields__" in vars(one)]
    told = {"modules": sorted(loaded), "dataclasses": rows, "patterns": compiled,
            "lazily": sorted({*NOT_AT_START} & {*loaded})}
    print(json.dumps(told), flush=True)

signal.signal(signal.SIGUSR1, tell)
"""
BY_COMMAND = "sys.argv[1:] = ['--no-ui']; from sereno.__main__ import main; sys.exit(main())"
BY_ANOTHER = (
    "from sereno.core.daemon.launch import main\n"
    "sys.exit(main([f'home={sys.argv[1]}', 'mode=foreground', *(f'path={e}' for e in sys.path)]))"
)
"""As a standby starts it."""


@pytest.fixture(params=[BY_COMMAND, BY_ANOTHER], ids=["by the command", "by a standby"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, list[str]]]:
    """What a daemon that has answered once says of itself."""
    home = Home(tmp_path / "home")
    environment = {**os.environ, "SERENO_HOME": str(home.root), "SERENO_LISTEN": "127.0.0.1:0"}
    prepare(home)
    load_or_make(home)  # the token, which the first start of all makes
    with subprocess.Popen(
        [sys.executable, "-P", "-c", CODE + request.param, str(home.root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            answered(home, process)
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def answered(home: Home, process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            with SyncClient.open(home):
                return
        except ClientError:
            assert process.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.02)


def test_the_first_answer_needs_nothing_that_can_come_later(told: dict[str, list[str]]) -> None:
    loaded = told["modules"]
    assert "sereno.core.daemon.daemon" in loaded
    assert "websockets.server" in loaded
    found = [
        name for name in loaded for late in FOR_LATER if name == late or name.startswith(f"{late}.")
    ]
    assert found == []
    # Python makes the code of each dataclass when it starts; a struct of msgspec is ready.
    assert told["dataclasses"] == []
    # Nor does it look for patterns as a library does; `re` keeps what it compiled at the first use.
    assert {*told["patterns"]} <= ON_EACH_MESSAGE
    assert told["lazily"] == []
