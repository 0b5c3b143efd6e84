"""A small JSON-RPC 2.0 peer, one message a line, sans-I/O: bytes in, messages out, and back.

Its ids and open calls are plain data (`PeerState`), so that they survive a restart of the daemon
while the program at the other end lives on. What is not JSON-RPC becomes `Junk`, a reply that
nobody waits for `Stray`; nothing is dropped in silence and nothing raises. Shared by the drivers
that speak JSON-RPC and by the demo agent. Not here: what any method means.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "Call",
    "Incoming",
    "Junk",
    "Notification",
    "Peer",
    "PeerState",
    "Reply",
    "Request",
    "RpcFailure",
    "Stray",
    "decoded",
]

INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602

LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of one line after which it is given up: the program is not speaking in lines."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Call(msgspec.Struct, array_like=True):
    """A request of ours that waits for its reply; `context` is the caller's own note."""

    method: str
    context: str = ""


class PeerState(msgspec.Struct, array_like=True):
    """All that the peer remembers. `partial`: the beginning of a line whose end is missing."""

    next_id: int = 0
    calls: dict[int, Call] = {}
    partial: bytes = b""


class RpcFailure(msgspec.Struct, frozen=True):
    """The `error` member of a reply, as far as it could be understood."""

    code: int
    message: str
    data: Any = None


class Request(msgspec.Struct, frozen=True):
    """The other side asks; `id` must go back unchanged, whatever its type."""

    id: int | str | float | None
    method: str
    params: dict[str, Any]


class Notification(msgspec.Struct, frozen=True):
    method: str
    params: dict[str, Any]


class Reply(msgspec.Struct, frozen=True):
    """The answer to a request of ours: exactly one of `result` and `failure` counts."""

    id: int
    call: Call
    result: Any = None
    failure: RpcFailure | None = None


class Stray(msgspec.Struct, frozen=True):
    """A reply to a request that we did not make, or that was answered before."""

    id: Any
    text: str


class Junk(msgspec.Struct, frozen=True):
    """A line that is no message. `text` is its beginning, not sanitised."""

    text: str
    reason: str


Incoming = Request | Notification | Reply | Stray | Junk


class Peer:
    """Both directions of one connection. `state` may be stored and given to another Peer.

    `version` counts what changed the state, for callers that cache what they made of it.
    `bare`: messages go without the `jsonrpc` member, as Codex wants them.
    """

    def __init__(self, state: PeerState | None = None, bare: bool = False) -> None:
        self.state = state if state is not None else PeerState()
        self.version = 0
        self._head: dict[str, Any] = {} if bare else {"jsonrpc": "2.0"}

    def request(self, method: str, params: Any, context: str = "") -> bytes:
        """The line of a new request; its reply comes back with the same `context`."""
        number = self.state.next_id
        self.state.next_id = number + 1
        self.state.calls[number] = Call(method, context)
        self.version += 1
        return _line({**self._head, "id": number, "method": method, "params": params})

    def notify(self, method: str, params: Any) -> bytes:
        return _line({**self._head, "method": method, "params": params})

    def respond(self, request_id: Any, result: Any) -> bytes:
        return _line({**self._head, "id": request_id, "result": result})

    def respond_error(self, request_id: Any, code: int, message: str) -> bytes:
        error = {"code": code, "message": message}
        return _line({**self._head, "id": request_id, "error": error})

    def waiting(self, method: str) -> bool:
        """Whether a request of this method has no reply yet."""
        return any(call.method == method for call in self.state.calls.values())

    def feed(self, data: bytes) -> list[Incoming]:
        """The messages that `data` completes, in order."""
        incoming: list[Incoming] = []
        for line in self.lines(data):
            if isinstance(line, Junk):
                incoming.append(line)
            else:
                incoming += self.read(line)
        return incoming

    def lines(self, data: bytes) -> list[bytes | Junk]:
        """The lines that `data` completes, for callers that read some of them by themselves."""
        partial = self.state.partial
        if not partial and data.endswith(b"\n"):
            return [*data[:-1].split(b"\n")]
        *lines, rest = (partial + data).split(b"\n")
        if rest or partial:
            self.state.partial = rest
            self.version += 1
        found: list[bytes | Junk] = [*lines]
        if len(rest) > LINE_LIMIT:
            self.state.partial = b""
            found.append(Junk(_head(rest), f"a line of more than {LINE_LIMIT >> 20} MiB"))
        return found

    def finish(self) -> list[Junk]:
        """The end of the stream: what is left of a half line."""
        rest, self.state.partial = self.state.partial, b""
        if not rest:
            return []
        self.version += 1
        return [Junk(_head(rest), "the output ended in the middle of a line")]

    def read(self, line: bytes) -> list[Incoming]:
        """The messages of one line: one, several of a batch, or none of a blank line."""
        begin = line.lstrip()[:1]
        if begin not in (b"{", b"["):
            return [Junk(_head(line), "not JSON")] if begin else []
        message = decoded(line)
        if isinstance(message, Junk):
            return [message]
        if isinstance(message, list) and message:
            return [self._classify(part, line) for part in message]
        return [self._classify(message, line)]

    def _classify(self, message: Any, line: bytes) -> Incoming:
        if not isinstance(message, dict):
            return Junk(_head(line), "JSON, but no message")
        method = message.get("method")
        if isinstance(method, str):
            params = message.get("params")
            if not isinstance(params, dict):
                params = {} if params is None else {"value": params}
            if "id" in message:
                return Request(message["id"], method, params)
            return Notification(method, params)
        if "result" in message or "error" in message:
            return self._reply(message, line)
        return Junk(_head(line), "neither a request, a notification nor a reply")

    def _reply(self, message: dict[str, Any], line: bytes) -> Incoming:
        number = message.get("id")
        if isinstance(number, str) and number.isdecimal() and number.isascii():
            number = int(number)  # seen in the wild: numbers come back as strings
        call = self.state.calls.pop(number, None) if type(number) is int else None
        if call is None or type(number) is not int:
            return Stray(message.get("id"), _head(line))
        self.version += 1
        error = message.get("error")
        if error is None:
            return Reply(number, call, result=message.get("result"))
        return Reply(number, call, failure=_failure(error))


def decoded(line: bytes) -> Any:
    """The value that a line of JSON holds, or Junk."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            return _decode_damaged(line)
        except (ValueError, RecursionError):
            return Junk(_head(line), f"not JSON: {error}")


def _decode_damaged(line: bytes) -> Any:
    """JSON with bytes that are no UTF-8, or with half of a surrogate pair: each becomes `?` or �.

    Programs that cut text at UTF-16 units send such halves; the message around them must not be
    lost. Raises ValueError or RecursionError.
    """
    import json

    message = json.loads(line.decode("utf-8", "replace"))
    return _decode(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"))


def _failure(error: Any) -> RpcFailure:
    if not isinstance(error, dict):
        return RpcFailure(0, str(error))
    code = error.get("code")
    message = error.get("message")
    return RpcFailure(
        code if isinstance(code, int) else 0,
        message if isinstance(message, str) else "",
        error.get("data"),
    )


def _line(message: dict[str, Any]) -> bytes:
    return _encode(message) + b"\n"


def _head(line: bytes) -> str:
    return line[:400].decode("utf-8", "replace").rstrip("\r\n")
