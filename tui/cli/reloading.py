"""Tells the daemon of this home that something it reads at its start was changed."""

from __future__ import annotations

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import NoDaemon
from sereno.core.protocol.additions import ReloadDaemon, ReloadDaemonResult
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home

WAIT_S = 30.0


def reload_daemon(changed: str) -> bool:
    """Whether a daemon runs and uses the change by now; False where none runs.

    `changed` begins the sentence of an error: "The password is saved". Raises CliError when the
    daemon did not take it.
    """
    try:
        client = SyncClient.open(home())
    except NoDaemon as error:
        if error.code != "no_daemon":
            raise
        return False
    with client:
        reply = client.request(ReloadDaemon(request_id=""), timeout_s=WAIT_S)
        assert isinstance(reply, ReloadDaemonResult)
    if reply.error is not None:
        raise CliError(
            "not_applied",
            f"{changed}, but the running daemon goes on as before: {reply.error}",
            reply.next_step or "Correct that, then `sereno daemon reload`",
        )
    return True
