"""launchd of macOS, asked through launchctl. Nothing here needs root."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sereno.tui.cli.errors import CliError
from sereno.tui.cli.service.facts import Facts, user_home
from sereno.tui.cli.service.manager import Service, call
from sereno.tui.cli.service.plist import label, launchd_plist


class Launchd:
    """See manager.Manager. A job lives in the domain of the graphical login, or of the user where
    there is none (over SSH)."""

    def __init__(self, facts: Facts, env: Mapping[str, str]) -> None:
        self._label = label(facts)
        self.text = launchd_plist(facts)
        self.file = user_home(env) / "Library" / "LaunchAgents" / f"{self._label}.plist"
        self._domains = (f"gui/{os.geteuid()}", f"user/{os.geteuid()}")

    def check(self) -> None:
        if not self._domain():
            raise CliError(
                "no_manager",
                "launchd has no domain for your user here",
                "Log in at the console or over SSH; `sereno service install --print` shows the job",
            )

    def look(self) -> Service:
        for domain in self._domains:
            code, out, _ = self._ctl("print", f"{domain}/{self._label}")
            if code == 0:
                state = re.search(r"^\tstate = (.+)$", out, re.M)
                pid = re.search(r"^\tpid = (\d+)$", out, re.M)
                words = state[1] if state else "loaded"
                return Service(True, pid is not None, int(pid[1]) if pid else 0, words)
        return Service(False, False, 0, "not loaded")

    def load(self) -> None:
        """What launchd loads it starts; that is `start`."""

    def start(self) -> None:
        self._boot_out()
        code, _, error = self._ctl("bootstrap", self._domain(), str(self.file))
        if code != 0:
            raise CliError(
                "manager",
                f"`launchctl bootstrap` failed: {' '.join(error.split())}",
                f"Try `{self.reading()}`; agents are not affected",
            )

    def stop(self) -> None:
        self._boot_out()

    def forget(self) -> None:
        """Booted out already."""

    def advice(self) -> list[str]:
        return ["It starts with your login and outlives every terminal; logging out ends it."]

    def reading(self) -> str:
        return f"launchctl print {self._domains[0]}/{self._label}"

    def _boot_out(self) -> None:
        for domain in self._domains:
            self._ctl("bootout", f"{domain}/{self._label}")

    def _domain(self) -> str:
        found = (domain for domain in self._domains if self._ctl("print", domain)[0] == 0)
        return next(found, "")

    def _ctl(self, *arguments: str) -> tuple[int, str, str]:
        return call(["launchctl", *arguments], {})
