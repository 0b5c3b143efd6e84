"""Tells the daemon of this home that something it reads at its start was changed."""

from __future__ import annotations

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import NoDaemon
from sereno.core.protocol.additions import ReloadDaemon, ReloadDaemonResult
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import home

WAIT_S = 30.0


def reload_daemon(changed: str, *, token: bool = False) -> bool:
    """Whether a daemon runs and uses the change by now; False where none runs.

    `changed` begins the sentence of an error: "The password is saved". `token`: that is what was
    changed, which a daemon takes even where its configuration has a mistake. Raises CliError when
    the daemon did not take all.
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
        rest = "and in use; the rest" if token else "but the running daemon"
        raise CliError(
            "not_applied",
            f"{changed}, {rest} goes on as before: {reply.error}",
            reply.next_step or "Correct that, then `sereno daemon reload`",
        )
    return True
