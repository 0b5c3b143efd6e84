"""A relay that writes everything down, changes what it likes, and plays it again.

Threads of its own, one each socket, so that whole programs can be run beside it. It keeps to the
relay protocol (version 2) as far as it must for anybody to talk.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

__all__ = ["LIMIT_S", "Change", "Enemy", "Frame", "Session", "as_it_is"]

LIMIT_S = 30.0
Frame = str | bytes
Change = Callable[["Session", int, Frame], list[Frame]]
"""What becomes of a client's frame, by session and number."""


@dataclass(eq=False)
class Session:
    """One connection: what either side put on the wire, as it was."""

    server_id: str
    connection_id: str
    client: ServerConnection | None = None
    daemon: ServerConnection | None = None
    dialled: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    of_client: list[Frame] = field(default_factory=list)
    of_daemon: list[Frame] = field(default_factory=list)


def as_it_is(_: Session, __: int, frame: Frame) -> list[Frame]:
    return [frame]


class Enemy:
    """`change`: what it does to clients' frames from now on. `sessions`: all there ever were."""

    def __init__(self) -> None:
        self.change: Change = as_it_is
        self.sessions: list[Session] = []
        self._names = itertools.count(1)
        self._news = threading.Condition()
        self._controls: dict[str, ServerConnection] = {}
        self._server = serve(self._arrived, "127.0.0.1", 0, compression=None, max_size=2**27)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Enemy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(LIMIT_S)

    @property
    def endpoint(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def wire(self) -> list[Frame]:
        """Everything that was ever seen."""
        return [frame for one in self.sessions for frame in (*one.of_client, *one.of_daemon)]

    def waiting(self) -> list[str]:
        """The ids under which a daemon can be reached, once there is one."""
        with self._news:
            assert self._news.wait_for(lambda: self._controls, LIMIT_S), "no daemon is there"
            return sorted(self._controls)

    def play(self, recorded: Session, place: str) -> Session:
        """A client of the relay's own, which says what another one said; until it is thrown out.
        `place`: the id under which it comes, which may be another than that of the recording.

        It says each thing after the daemon had its turn, as the first one did.
        """
        one = self._session(place)
        self._announce(one)
        assert one.dialled.wait(LIMIT_S)
        assert one.daemon is not None
        with contextlib.suppress(ConnectionClosed):
            for number, frame in enumerate(recorded.of_client):
                one.daemon.send(frame)
                if number == 0:
                    with self._news:
                        assert self._news.wait_for(lambda: one.of_daemon, LIMIT_S)
        assert one.over.wait(LIMIT_S), "the daemon goes on talking with a recording"
        return one

    # Sockets, each in a thread

    def _arrived(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        query: defaultdict[str, str] = defaultdict(str)
        for name, values in parse_qs(urlsplit(connection.request.path).query).items():
            query[name] = values[0]
        with contextlib.suppress(ConnectionClosed):
            if query["role"] == "client":
                self._client(connection, query["serverId"])
            elif query["connectionId"]:
                self._daemon(connection, query["connectionId"])
            else:
                self._control(connection, query["serverId"])

    def _control(self, connection: ServerConnection, server_id: str) -> None:
        with self._news:
            self._controls[server_id] = connection
            self._news.notify_all()
        try:
            _say(connection, {"type": "sync", "connectionIds": []})
            for message in connection:
                if json.loads(message).get("type") == "ping":
                    _say(connection, {"type": "pong"})
        finally:
            with self._news:
                if self._controls.get(server_id) is connection:
                    del self._controls[server_id]

    def _client(self, connection: ServerConnection, server_id: str) -> None:
        one = self._session(server_id)
        one.client = connection
        self._announce(one)
        if not one.dialled.wait(LIMIT_S) or one.daemon is None:
            return
        try:
            for number, frame in enumerate(connection):
                one.of_client.append(frame)
                for changed in self.change(one, number, frame):
                    one.daemon.send(changed)
        finally:
            one.daemon.close()

    def _daemon(self, connection: ServerConnection, connection_id: str) -> None:
        (one,) = [one for one in self.sessions if one.connection_id == connection_id]
        one.daemon = connection
        one.dialled.set()
        try:
            for frame in connection:
                with self._news:
                    one.of_daemon.append(frame)
                    self._news.notify_all()
                if one.client is not None:
                    one.client.send(frame)
        finally:
            one.over.set()
            if one.client is not None:
                one.client.close(1012, "Server disconnected")

    def _session(self, server_id: str) -> Session:
        one = Session(server_id, f"conn_{next(self._names)}")
        self.sessions.append(one)
        return one

    def _announce(self, one: Session) -> None:
        """To the newest control socket that is alive; a daemon that was killed comes again."""
        with self._news:
            assert self._news.wait_for(lambda: self._tell(one), LIMIT_S), "no daemon is there"

    def _tell(self, one: Session) -> bool:
        control = self._controls.get(one.server_id)
        try:
            if control is not None:
                _say(control, {"type": "connected", "connectionId": one.connection_id})
        except ConnectionClosed:
            return False
        return control is not None


def _say(connection: ServerConnection, message: dict[str, Any]) -> None:
    connection.send(json.dumps(message))
