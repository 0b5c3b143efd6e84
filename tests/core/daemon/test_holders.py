"""Who holds a port: read from the tables of the kernel, and told for real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sereno.core.daemon.holders import Listening, holder_of, listening_at

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
)
BIG = sys.byteorder == "big"


def row(address: str, port: int, state: str = "0A", uid: int = 7, inode: int = 99) -> str:
    if BIG:  # The table has the order of the machine.
        words = [bytes.fromhex(address[at : at + 8]) for at in range(0, len(address), 8)]
        address = b"".join(word[::-1] for word in words).hex().upper()
    other = "0" * len(address)
    return (
        f"   0: {address}:{port:04X} {other}:0000 {state} 00000000:00000000 00:00000000 00000000"
        f"  {uid}        0 {inode} 1 0000000000000000 100 0 0 10 0\n"
    )


LOCAL, EVERY, OTHER = "0100007F", "00000000", "0200007F"
LOCAL6, EVERY6 = "0" * 24 + "01000000", "0" * 32


@pytest.mark.parametrize(
    ("host", "text", "found"),
    [
        ("127.0.0.1", row(LOCAL, 80), True),
        ("127.0.0.1", row(EVERY, 80), True),
        ("127.0.0.1", row(EVERY6, 80), True),
        ("0.0.0.0", row(OTHER, 80), True),
        ("::1", row(LOCAL6, 80), True),
        ("::", row(LOCAL6, 80), True),
        ("::1%lo", row(LOCAL6, 80), True),
        ("127.0.0.1", row(OTHER, 80), False),
        ("127.0.0.1", row(LOCAL6, 80), False),
        ("127.0.0.1", row(LOCAL, 81), False),
        ("127.0.0.1", row(LOCAL, 80, state="01"), False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "nonsense\n", False),
    ],
)
def test_a_row_of_the_table(host: str, text: str, found: bool) -> None:
    wanted = Listening(7, 99) if found else None
    assert listening_at(HEAD + row(LOCAL, 9) + text, host, 80) == wanted


LISTEN = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"


@pytest.mark.linux
def test_another_program_is_named(tmp_path: Path) -> None:
    program = tmp_path / "paseo-daemon"
    program.write_text(f"{LISTEN}\nimport sys; sys.stdout.flush(); input()")
    for path, words in ((program, "a Paseo daemon"), (None, "python")):
        command = (
            [sys.executable, "-c", program.read_text()]
            if path is None
            else [
                sys.executable,
                str(path),
            ]
        )
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            port = int(process.stdout.readline())
            said = holder_of("127.0.0.1", port)
            process.communicate("\n", timeout=10)
        assert said is not None
        assert words in said
        assert f"process {process.pid}" in said


@pytest.mark.linux
def test_another_sereno_is_named_by_its_home(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        (tmp_path / "run" / "daemon.lock").open("w"),
    ):
        said = holder_of("127.0.0.1", one.getsockname()[1])
    assert said == f"another Sereno (process {os.getpid()}, home {tmp_path})"


def test_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    assert holder_of("127.0.0.1", port) is None
