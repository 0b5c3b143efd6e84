"""The blocking client against a scripted daemon: replies, pushes in order, failures."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ConnectionLost, NoDaemon, RpcError
from sereno.core.home import Home
from sereno.core.protocol.frames import UnknownPayload
from sereno.core.protocol.messages import Pong
from sereno.core.protocol.requests import FetchAgent, Ping
from tests.tui.cli.fake_daemon import FakeDaemon, Message, fake_daemon, message


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def daemon(home: Home) -> Iterator[FakeDaemon]:
    with fake_daemon(home.root) as running:
        yield running


def pong(request: Message) -> list[Message]:
    times = {"requestId": request["requestId"], "serverReceivedAt": 1, "serverSentAt": 2}
    return [
        message("news", {"number": 1}),
        message("pong", {**times, "requestId": "somebody-else"}),
        message("pong", times),
        message("news", {"number": 2}),
    ]


def test_a_reply_is_found_among_pushes_which_keep_their_order(
    home: Home, daemon: FakeDaemon
) -> None:
    daemon.answers["ping"] = pong
    with SyncClient.open(home) as client:
        assert client.server.version == "9.9.9"
        reply = client.request(Ping(request_id=""))
        assert isinstance(reply, Pong)
        assert reply.request_id == daemon.seen[0]["requestId"]
        first, other, second = (client.next_push(5) for _ in range(3))
        assert isinstance(first, UnknownPayload)
        assert isinstance(second, UnknownPayload)
        assert (bytes(first.payload), bytes(second.payload)) == (b'{"number": 1}', b'{"number": 2}')
        assert isinstance(other, Pong)
        assert client.next_push(0.01) is None


def test_each_process_has_its_own_client_id(home: Home, daemon: FakeDaemon) -> None:
    for _ in range(2):
        SyncClient.open(home).close()
    first, second = daemon.hellos
    assert first["clientId"] != second["clientId"]
    assert (first["clientType"], first["protocolVersion"]) == ("cli", 1)


def test_a_refusal_carries_code_and_next_step(home: Home, daemon: FakeDaemon) -> None:
    daemon.answers["fetch_agent_request"] = lambda request: [
        message(
            "rpc_error",
            {"requestId": request["requestId"], "error": "No", "code": "x", "nextStep": "Go"},
        )
    ]
    with SyncClient.open(home) as client, pytest.raises(RpcError) as caught:
        client.request(FetchAgent(request_id="", agent_id="a"))
    assert (caught.value.code, caught.value.message, caught.value.next_step) == ("x", "No", "Go")


def test_no_answer_is_said_at_the_time_limit(home: Home, daemon: FakeDaemon) -> None:
    daemon.answers["ping"] = lambda request: []
    with SyncClient.open(home) as client, pytest.raises(RpcError) as caught:
        client.request(Ping(request_id=""), timeout_s=0.05)
    assert caught.value.code == "timeout"


def test_the_close_code_is_kept(home: Home, daemon: FakeDaemon) -> None:
    with SyncClient.open(home) as client:
        while not daemon.connections:
            pass
        threading.Thread(target=daemon.connections[0].close, args=(1013, "too slow")).start()
        with pytest.raises(ConnectionLost) as caught:
            client.next_push(5)
    assert caught.value.close_code == 1013
    assert "too slow" in caught.value.message


def test_a_message_of_a_wrong_shape_is_not_taken_for_silence(
    home: Home, daemon: FakeDaemon
) -> None:
    daemon.answers["ping"] = lambda request: [message("pong", {"requestId": 7})]
    with SyncClient.open(home) as client, pytest.raises(RpcError, match="cannot be read"):
        client.request(Ping(request_id=""))


def test_nobody_there(home: Home) -> None:
    with pytest.raises(NoDaemon) as caught:
        SyncClient.open(home)
    assert caught.value.code == "no_daemon"
    assert "sereno daemon start" in caught.value.next_step
    home.run.mkdir(parents=True)
    left_over = socket.socket(socket.AF_UNIX)
    left_over.bind(str(home.socket))
    left_over.close()
    with pytest.raises(NoDaemon):
        SyncClient.open(home)


def test_somebody_who_does_not_answer(home: Home) -> None:
    home.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home.socket))
        silent.listen(0)
        started = time.monotonic()
        with pytest.raises(NoDaemon) as caught:
            SyncClient.open(home, timeout_s=0.2)
    assert caught.value.code == "no_answer"
    assert time.monotonic() - started < 5


def test_somebody_who_refuses(home: Home) -> None:
    home.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        listener.listen()

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(ConnectionLost, match="403 Forbidden"):
            SyncClient.open(home)
        thread.join()


def test_a_home_with_a_long_path(tmp_path: Path) -> None:
    home = Home(tmp_path / ("d" * 90) / "home")
    home.run.mkdir(parents=True)
    folder = os.open(home.run, os.O_PATH | os.O_DIRECTORY)
    try:
        daemon = FakeDaemon(Path(f"/proc/self/fd/{folder}/daemon.sock"))
        daemon.start()
        try:
            SyncClient.open(home).close()
        finally:
            daemon.stop()
    finally:
        os.close(folder)
