"""The HTTP part of the scripted model server: asyncio streams, one connection a request.

Every request, its end and every hang-up are kept in `log`, for tests to assert on. To add an API,
write a module like `chat.py` and a row in APIS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from tests.e2e.model_server import chat, messages, responses
from tests.e2e.model_server.ask import Ask
from tests.e2e.model_server.directive import Directive, Fault

__all__ = ["ModelServer"]

HEAD = "HTTP/1.1 {status} {reason}\r\nconnection: close\r\ncontent-type: {kind}\r\n"
APIS: dict[str, Any] = {api.PATH: api for api in (chat, messages, responses)}


class ModelServer:
    """`async with ModelServer() as server:` … `server.url` is the base URL with `/v1`."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self._faults: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._number = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def root(self) -> str:
        """Without `/v1`, as Anthropic's programs want it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def turns(self) -> list[dict[str, Any]]:
        """The logged requests that used a step of a script."""
        return [entry for entry in self.log if entry["event"] == "request" and entry["script"]]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._connections):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            request = await _read_request(reader)
            if request is not None:
                await self._until_hang_up(reader, writer, *request)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.log.append({"event": "aborted"})
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _until_hang_up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes
    ) -> None:
        """Answers, unless the other side hangs up first: how an interrupt is seen here."""
        answer = asyncio.ensure_future(self._answer(writer, path, body))
        gone = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                await answer
            else:
                self.log.append({"event": "aborted", "path": path})
        finally:
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    async def _answer(self, writer: asyncio.StreamWriter, path: str, body: bytes) -> None:
        api = APIS.get(path)
        if api is None:
            return await self._answer_aside(writer, path)
        parsed = json.loads(body)
        ask: Ask = api.read_request(parsed)
        directive = None if ask.side_call else ask.directive
        self._log_request(path, ask, parsed)
        self._number += 1
        fault = self._due_fault(directive, ask.step) if directive else None
        if fault is not None and fault.kind != "drop":
            return await _send_failure(writer, fault, api.error_body(int(fault.kind)))
        await asyncio.sleep(directive.first_delay_ms / 1000 if directive else 0)
        try:
            frames = tuple(api.answer_frames(ask, self._number))
        except LookupError as error:
            # Said to the program, so that the test that wrote the script shows it.
            failure = Fault("400", message=str(error))
            return await _send_failure(writer, failure, api.error_body(400))
        if not ask.stream and api is messages:
            await _send_json(writer, 200, messages.answer_body(ask, self._number))
        elif not await self._stream(writer, path, frames, ask, fault):
            return None
        self.log.append({"event": "answered", "path": path, "step": ask.step})
        return None

    def _log_request(self, path: str, ask: Ask, body: dict[str, Any]) -> None:
        entry = {"event": "request", "path": path, "script": False, "step": ask.step}
        entry["script"] = not ask.side_call and ask.directive is not None
        self.log.append(
            {
                **entry,
                "model": ask.model,
                "images": ask.images,
                "offered": ask.offered,
                "body": body,
            }
        )

    async def _stream(
        self,
        writer: asyncio.StreamWriter,
        path: str,
        frames: Iterable[bytes],
        ask: Ask,
        fault: Fault | None,
    ) -> bool:
        """Whether the answer was sent whole. `fault`, if any, is a connection to be cut."""
        writer.write(_head(200, "text/event-stream") + b"\r\n")
        delay_s = ask.directive.delay_ms / 1000 if ask.directive and not ask.side_call else 0
        for count, frame in enumerate(frames):
            if fault is not None and count >= fault.after:
                self.log.append({"event": "dropped", "path": path})
                writer.transport.abort()
                return False
            writer.write(frame)
            await writer.drain()
            await asyncio.sleep(delay_s)
        return True

    async def _answer_aside(self, writer: asyncio.StreamWriter, path: str) -> None:
        """What programs ask besides answers: a sign of life, counting, the list of models."""
        match path:
            case "/":
                await _send_json(writer, 200, {})
            case messages.COUNT_PATH:
                await _send_json(writer, 200, {"input_tokens": 42})
            case "/v1/models":
                await _send_json(writer, 200, {"data": [], "has_more": False})
            case _:
                self.log.append({"event": "unknown", "path": path})
                error = {"error": {"message": f"no such path: {path}"}}
                await _send_json(writer, 404, error)

    def _due_fault(self, directive: Directive, step: int) -> Fault | None:
        fault = directive.error
        if fault is None or step >= len(directive.steps):
            return None
        key = f"{directive}/{step}"
        used = self._faults.get(key, 0)
        self._faults[key] = used + 1
        return fault if fault.times == 0 or used < fault.times else None


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    path = first.split(" ")[1].partition("?")[0]
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return path, await _read_chunks(reader)
    return path, await reader.readexactly(int(headers.get("content-length", "0")))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _send_failure(writer: asyncio.StreamWriter, fault: Fault, body: dict[str, Any]) -> None:
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    if fault.message:
        body["error"]["message"] = fault.message
    await _send_json(writer, int(fault.kind), body, headers)


async def _send_json(
    writer: asyncio.StreamWriter,
    status: int,
    body: dict[str, Any],
    headers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    data = json.dumps(body).encode()
    lines = {**headers, "content-length": str(len(data))}
    more = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(_head(status, "application/json") + more.encode() + b"\r\n" + data)
    await writer.drain()


def _head(status: int, kind: str) -> bytes:
    return HEAD.format(status=status, reason="Scripted", kind=kind).encode()
