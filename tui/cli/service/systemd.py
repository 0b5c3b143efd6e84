"""systemd's user manager, asked through systemctl. Nothing here needs root.

Lingering is read where logind keeps it, one empty file for each user, because that works without a
bus and says the same.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from sereno.tui.cli.errors import CliError
from sereno.tui.cli.service.facts import Facts, user_home
from sereno.tui.cli.service.manager import Service, call
from sereno.tui.cli.service.unit import systemd_unit

LINGER = Path("/var/lib/systemd/linger")


class Systemd:
    """See manager.Manager."""

    def __init__(self, facts: Facts, env: Mapping[str, str]) -> None:
        self.unit = f"{facts.name}.service"
        self.text = systemd_unit(facts)
        base = env.get("XDG_CONFIG_HOME") or ""
        folder = Path(base) if base.startswith("/") else user_home(env) / ".config"
        self.file = folder / "systemd" / "user" / self.unit
        self._env = _with_runtime_dir(env)

    def check(self) -> None:
        code, _, error = self._ctl("show-environment")
        if code == 0:
            return
        why = " ".join(error.split()) or f"systemctl ended with {code}"
        raise CliError(
            "no_manager",
            f"systemd manages no services of your user here ({why.rstrip('.')})",
            "Log in over SSH or at the console rather than through `su` or `sudo`; in a container "
            "let its init run `sereno --no-ui`. `sereno service install --print` shows the unit",
        )

    def look(self) -> Service:
        wanted = ("ActiveState", "SubState", "MainPID", "UnitFileState", "StatusText", "Result")
        code, out, error = self._ctl("show", "--property", ",".join(wanted), self.unit)
        if code != 0:
            return Service(False, False, 0, " ".join(error.split()))
        said = dict(line.partition("=")[::2] for line in out.splitlines())
        state = said.get("ActiveState", "unknown")
        words = f"{state} ({said.get('SubState', '')})"
        if said.get("Result", "success") != "success":
            words += f", {said['Result']}"
        active = state in ("active", "reloading")
        if active and said.get("StatusText"):
            words += f": {said['StatusText']}"
        pid = said.get("MainPID", "")
        enabled = said.get("UnitFileState") in ("enabled", "enabled-runtime")
        return Service(enabled, active, int(pid) if pid.isdigit() else 0, words)

    def load(self) -> None:
        self._do("daemon-reload")
        self._do("enable", self.unit)

    def start(self) -> None:
        self._ctl("reset-failed", self.unit)  # Earlier failures do not count; there may be none.
        self._do("restart", self.unit)

    def stop(self) -> None:
        self._do("disable", "--now", self.unit)

    def forget(self) -> None:
        self._do("daemon-reload")
        self._ctl("reset-failed", self.unit)

    def advice(self) -> list[str]:
        user = pwd.getpwuid(os.geteuid()).pw_name
        if (LINGER / user).exists():
            return ["Lingering is on: it starts at boot and outlives your last login."]
        return [
            "Lingering is off: your last logout ends the service, and its agents with it.",
            "Switch it on with `loginctl enable-linger`; where that is refused, "
            f"`sudo loginctl enable-linger {user}`.",
        ]

    def reading(self) -> str:
        return f"journalctl --user -u {self.unit} -n 20"

    def _do(self, *arguments: str) -> None:
        code, _, error = self._ctl(*arguments)
        if code != 0:
            words = " ".join(error.split()) or f"exit code {code}"
            raise CliError(
                "manager",
                f"`systemctl --user {' '.join(arguments)}` failed: {words}",
                f"See `{self.reading()}`; agents are not affected",
            )

    def _ctl(self, *arguments: str) -> tuple[int, str, str]:
        return call(["systemctl", "--user", "--no-pager", *arguments], self._env)


def _with_runtime_dir(env: Mapping[str, str]) -> dict[str, str]:
    """`su -` forgets where the user manager listens; it is always the same place."""
    usual = Path(f"/run/user/{os.geteuid()}")
    if env.get("XDG_RUNTIME_DIR") or not usual.is_dir():
        return {}
    return {"XDG_RUNTIME_DIR": str(usual)}
