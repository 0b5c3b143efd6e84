"""What `sereno service` does, in order, with the service manager and the daemon of this home.

The one rule: agents outlive all of it. A daemon that runs in the background makes room for the
service, because its agents never notice; one inside of an open screen does not.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from sereno.core.client.errors import ClientError
from sereno.core.config import load_config
from sereno.core.daemon import control
from sereno.core.daemon.logs import read_page
from sereno.core.home import Home, explained
from sereno.core.protocol.additions import DaemonStatus, DaemonStatusResult
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect
from sereno.tui.cli.service.facts import gather
from sereno.tui.cli.service.launchd import Launchd
from sereno.tui.cli.service.manager import Manager, Service
from sereno.tui.cli.service.sealed import State, read, state_of, write
from sereno.tui.cli.service.systemd import Systemd


@dataclass(frozen=True)
class Done:
    """What became of it: `state` of the file before, and lines for the person."""

    state: State
    started: bool
    lines: list[str]


def manager_here(env: Mapping[str, str], program: str) -> Manager:
    """Of this system, for the home that `env` names."""
    facts = gather(env, program)
    return Launchd(facts, env) if sys.platform == "darwin" else Systemd(facts, env)


def difference(manager: Manager) -> list[str]:
    """What an install would change in the file of the person."""
    before, after = (read(manager.file) or "").splitlines(), manager.text.splitlines()
    lines = difflib.unified_diff(before, after, str(manager.file), "from Sereno", lineterm="", n=1)
    return list(lines)


def install(manager: Manager, home: Home, *, start: bool) -> Done:
    """Write the file, load it, and start the service unless it runs as it should.

    An edited file is overwritten: the caller asked. Raises CliError, HomeError; ConfigError before
    anything is done, because the daemon would refuse to start with it.
    """
    manager.check()
    load_config(home, {})
    state = state_of(read(manager.file), manager.text)
    if state is not State.CURRENT:
        write(manager.file, manager.text)
    manager.load()
    written = "is as it should be" if state is State.CURRENT else "is written"
    lines = [f"{manager.file} {written}."]
    before = manager.look()
    if not start:
        lines.append("The service is not started; it starts with your next login or boot.")
        return Done(state, False, lines + manager.advice())
    if before.active and state is State.CURRENT:
        lines.append(f"The service runs already (pid {before.pid}).")
        return Done(state, False, lines + manager.advice())
    lines += _make_room(home, before)
    said = read_page(home.daemon_log, "", "tail", None, 1).end_cursor
    try:
        manager.start()
    except CliError as error:
        raise _with_the_daemons_words(error, home, said, manager) from error
    lines.append(f"The service runs (pid {manager.look().pid}); agents outlive its restarts.")
    return Done(state, True, lines + manager.advice())


def uninstall(manager: Manager) -> list[str]:
    """Stop and forget the service; its agents live on. Raises CliError, HomeError."""
    agents = running_agents()
    manager.check()
    was = read(manager.file)
    service = manager.look()
    if was is None and not service.active and not service.enabled:
        return [f"No service is installed: there is no {manager.file}."]
    manager.stop()
    with explained(manager.file):
        manager.file.unlink(missing_ok=True)
    manager.forget()
    lines = [f"The service is stopped, and {manager.file} removed."]
    left = manager.file.with_name(f"{manager.file.name}.d")
    if left.is_dir():
        lines.append(f"{left} is yours and stays.")
    return lines + _alive(agents)


def running_agents() -> int | None:
    """How many agents have a program now; None where no daemon answers."""
    try:
        with connect() as client:
            reply = client.request(DaemonStatus(request_id=""))
    except ClientError:
        return None
    assert isinstance(reply, DaemonStatusResult)
    return sum(count for status, count in reply.agents.items() if status != "closed")


def _alive(agents: int | None) -> list[str]:
    if agents == 0:
        return ["No agent was running."]
    count = "Agents" if agents is None else "1 agent" if agents == 1 else f"{agents} agents"
    live, them = ("lives", "it") if agents == 1 else ("live", "them")
    return [
        f"{count} {live} on without a daemon. `sereno` shows {them} again; "
        f"`sereno daemon start` and `sereno stop --end --all` end {them}.",
    ]


def _make_room(home: Home, service: Service) -> list[str]:
    """One daemon a home. The agents of the one that goes never notice."""
    state = control.status(home)
    if not state.running or (service.active and state.pid == service.pid):
        return []
    if state.embedded:
        raise CliError(
            "embedded",
            f"the daemon of this home runs inside of an open screen (process {state.pid})",
            "Leave the screen with `q` and run this again: the service takes over, agents go on. "
            "The service file is written",
        )
    control.stop(home)
    return [f"The daemon in the background (pid {state.pid}) made room; its agents go on."]


def _with_the_daemons_words(error: CliError, home: Home, said: int, manager: Manager) -> CliError:
    """systemctl only says that it failed; the daemon's log has the reason, after line `said`."""
    lines = read_page(home.daemon_log, "", "after", said, 200).lines
    reason = next((line.text for line in reversed(lines) if line.level == "error"), "")
    if not reason:
        return error
    step = f"Correct that, then `sereno service install` again. See also `{manager.reading()}`"
    return CliError(error.code, f"the service does not start: {reason}", step, error.exit_code)


def program() -> str:
    return os.path.abspath(sys.argv[0])  # noqa: PTH100 - a link that pipx made stays one
