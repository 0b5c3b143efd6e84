"""The launchd agent for macOS, as text. Written after launchd.plist(5)."""

from __future__ import annotations

import plistlib
from typing import Any

from sereno.tui.cli.service.facts import Facts
from sereno.tui.cli.service.sealed import seal

PREFIX = "io.sereno."


def label(facts: Facts) -> str:
    return PREFIX + facts.name


def launchd_plist(facts: Facts) -> str:
    """The whole file, sealed. launchd knows no exit code after which it gives up: it tries again
    after each failure, twice a minute at most."""
    environment = {"PATH": facts.path} | ({"SERENO_HOME": facts.home} if facts.home else {})
    job: dict[str, Any] = {
        "Label": label(facts),
        "ProgramArguments": list(facts.command),
        "EnvironmentVariables": environment,
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": 30,
        # Agents live on in their runners; without this launchd ends what the daemon left behind.
        "AbandonProcessGroup": True,
        # Agents work for somebody who waits: no throttling as for a background job.
        "ProcessType": "Interactive",
    }
    return seal(plistlib.dumps(job, sort_keys=False).decode(), "<!-- {} -->")
