"""The exit codes of the command line, one meaning each; docs/cli.md shows them as a table."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
"""Wrong arguments, a wrong configuration, or a home that cannot be used."""
NO_DAEMON = 3
"""No daemon runs, or it went away; or one cannot start because its home or address is in use."""
NOT_FOUND = 4
"""No such agent, request or provider, or several that fit."""
AGENT_FAILED = 5
"""The agent could not start, or its turn failed."""
CANCELED = 6
"""The turn was interrupted."""
ASKS = 7
"""The agent waits for permission."""
ANSWERED_ELSEWHERE = 8
"""The request for permission had been answered by somebody else, or was withdrawn."""
REFUSED = 9
"""A daemon on a network did not let us in, or is none: password, name, certificate, version."""
TIMEOUT = 124
"""`--timeout` ran out; as timeout(1)."""
INTERRUPTED = 130
"""ctrl+c before the outcome was known; agents go on."""

MEANINGS: tuple[tuple[int, str], ...] = (
    (OK, "done; the turn completed"),
    (FAILED, "it did not work; the message says why"),
    (USAGE, "wrong arguments, configuration or home"),
    (NO_DAEMON, "no daemon runs, or the connection to it was lost"),
    (NOT_FOUND, "no such agent, request or provider, or several that fit"),
    (AGENT_FAILED, "the agent could not start, or its turn failed"),
    (CANCELED, "the turn was interrupted"),
    (ASKS, "the agent waits for permission"),
    (ANSWERED_ELSEWHERE, "somebody else answered the request first"),
    (REFUSED, "the daemon did not let us in: password, name, certificate or version"),
    (TIMEOUT, "the time limit ran out"),
    (INTERRUPTED, "left with ctrl+c; agents go on"),
)
