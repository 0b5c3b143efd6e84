"""Why there is no connection to a daemon, in words for the screen. Pure.

The command line's next steps ("open `sereno`") are left out: the person sits in it, and the link
calls again by itself or has a key for it.
"""

from __future__ import annotations

from sereno.core.client.errors import ClientError, Refused
from sereno.tui.link_api import ActError
from sereno.tui.model import Connection, Phase

__all__ = [
    "NO_DAEMON",
    "Stopped",
    "cause",
    "first",
    "nobody_starts",
    "refused",
    "unconnected",
    "unreachable",
]

NO_DAEMON = "No daemon runs; agents keep working."


class Stopped(Exception):
    """Raised by a connect function: there is no daemon on purpose."""


async def nobody_starts() -> None:
    """A link that cannot start daemons."""
    raise ActError("No daemon can be started from here.", "On a shell: sereno daemon start")


def unconnected(error: Exception, *, again: bool) -> Connection:
    """What a failed call means; `again`: it is not the first one in a row.

    Nobody there at the first call may be a daemon that changes hands just now.
    """
    nobody = again and getattr(error, "code", "") == "no_daemon"
    if nobody or isinstance(error, Stopped):
        return Connection(Phase.STOPPED, NO_DAEMON)
    step = ""
    if isinstance(error, Refused):
        new = "Leave with q, and open it again with the right one"
        step = f". {new if error.code == 'unauthorized' else error.next_step}".rstrip(". ")
    return Connection(Phase.LOST, f"{cause(error)}{step}; trying again")


def cause(error: BaseException) -> str:
    """Why, without a next step."""
    if isinstance(error, ClientError):
        return error.message.rstrip(".")
    return getattr(error, "strerror", None) or str(error)


def refused(error: ClientError | OSError) -> ActError:
    """What a question that did not reach the daemon tells the person."""
    if isinstance(error, ClientError):
        return ActError(f"{error.message.rstrip('.')}.", error.next_step)
    return ActError(f"The daemon is not reachable: {error.strerror or error}.")


def unreachable(phase: Phase) -> ActError:
    """What an act says without a connection. Where none comes by itself, the key that helps."""
    if phase is Phase.STOPPED:
        return ActError(NO_DAEMON, "ctrl+x r starts one.")
    return ActError("The daemon is not reachable.", "It is being called again; try again.")


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first single error of a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
