"""Asking a running daemon for its agents without typed messages: for ls, completion and ids.

The request is written and the reply read as plain JSON, which costs a few milliseconds instead of
fifty. It never starts a daemon.
"""

from __future__ import annotations

import os
import time

from sereno.tui.cli.errors import CliError, translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from sereno.core.client.blocking import SyncClient
    from sereno.tui.cli.agents import Entry

PAGE = 200


class QuickLink:
    """A connection that knows one question."""

    def __init__(self, client: SyncClient) -> None:
        self._client = client

    @classmethod
    def open(cls, timeout_s: float | None = None, *, ask: bool = True) -> Self:
        """Connect to the daemon of SERENO_HOME or of the given host. Raises CliError.

        `ask`: whether a password may be asked for.
        """
        from sereno.core.client.blocking import SyncClient
        from sereno.core.client.errors import ClientError
        from sereno.core.home import HomeError, find_home
        from sereno.tui.cli import target

        try:
            if target.host():
                there = target.connect(timeout_s or 15.0, ask=ask)
                assert there is not None
                return cls(there)
            timeout_s = timeout_s or 5.0
            return cls(SyncClient.open(find_home(os.environ), timeout_s=timeout_s))
        except (ClientError, HomeError) as error:
            raise translate(error) or error from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def agents(self, archived: bool = False, timeout_s: float = 10.0) -> list[Entry]:
        """Every agent, last active first. Raises CliError."""
        from sereno.core.client.errors import ClientError

        deadline = time.monotonic() + timeout_s
        entries: list[Entry] = []
        cursor: str | None = None
        try:
            while True:
                payload = self._ask(archived, cursor, deadline)
                entries += payload["entries"]
                cursor = payload["pageInfo"]["nextCursor"]
                if cursor is None:
                    return entries
        except ClientError as error:
            raise translate(error) or error from error

    def _ask(self, archived: bool, cursor: str | None, deadline: float) -> dict[str, Any]:
        from json import dumps, loads

        page: dict[str, Any] = {"limit": PAGE}
        if cursor is not None:
            page["cursor"] = cursor
        message = {
            "type": "fetch_agents_request",
            "requestId": "ls",
            "filter": {"includeArchived": archived},
            "page": page,
        }
        self._client.send_bytes(dumps({"type": "session", "message": message}).encode())
        while True:
            frame = self._client.receive_bytes(max(0.0, deadline - time.monotonic()))
            if frame is None:
                raise CliError(
                    "timeout",
                    "the daemon did not answer in time",
                    "Look into its log, or restart it with `sereno daemon restart`",
                )
            if b'"ls"' not in frame:
                continue  # A push that concerns somebody else.
            answer = loads(frame).get("message") or {}
            payload: dict[str, Any] = answer.get("payload") or {}
            if payload.get("requestId") != "ls":
                continue
            if answer.get("type") == "rpc_error":
                raise CliError(
                    str(payload.get("code") or "failed"),
                    str(payload.get("error")),
                    str(payload.get("nextStep") or ""),
                )
            return payload
