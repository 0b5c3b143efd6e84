"""Where things lie in a home, and where the home lies.

Names only: nothing here reads or writes the disk.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from sereno.core.home.errors import HomeError

TYPE_CHECKING = False  # what `typing` would say, without its 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_AGENT_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"


class Home:
    """The paths of one home, a value. Making the object touches no disk; `prepare` does.

    Written out because `dataclasses` would double the time to import this module.
    """

    def __init__(self, root: Path) -> None:
        self.root: Final = root

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Home) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    def __repr__(self) -> str:
        return f"Home({self.root!r})"

    @cached_property
    def config(self) -> Path:
        return self.root / "config.toml"

    @cached_property
    def database(self) -> Path:
        return self.root / "sereno.db"

    @cached_property
    def run(self) -> Path:
        return self.root / "run"

    @cached_property
    def socket(self) -> Path:
        return self.run / "daemon.sock"

    @cached_property
    def lock(self) -> Path:
        return self.run / "daemon.lock"

    @cached_property
    def status(self) -> Path:
        return self.run / "daemon.json"

    @cached_property
    def agents(self) -> Path:
        return self.run / "agents"

    @cached_property
    def logs(self) -> Path:
        return self.root / "logs"

    @cached_property
    def daemon_log(self) -> Path:
        return self.logs / "daemon.log"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder that `prepare` makes, parents first."""
        return (self.root, self.run, self.agents, self.logs)

    def agent(self, agent_id: str) -> Path:
        """The folder of one agent's runs. Raises ValueError for what can be no agent id."""
        if not re.fullmatch(_AGENT_ID, agent_id):
            raise ValueError(f"not an agent id: {agent_id!r}")
        return self.agents / agent_id


def find_home(env: Mapping[str, str]) -> Home:
    """The home named by SERENO_HOME, else ~/.sereno. Reads no disk; raises HomeError (no_home)."""
    text = env.get("SERENO_HOME", "").strip() or "~/.sereno"
    if text == "~" or text.startswith("~/"):
        user = env.get("HOME", "").strip() or os.path.expanduser("~")  # noqa: PTH111 - "" when unknown
        if not user.startswith("/"):
            raise HomeError(
                "no_home",
                "Sereno cannot tell where your home folder is: HOME is not set.",
                "Set HOME, or set SERENO_HOME to the folder that Sereno shall use.",
            )
        text = user + text[1:]
    if "\0" in text:
        raise HomeError(
            "unusable",
            "SERENO_HOME holds a NUL character, so it is no path.",
            "Set SERENO_HOME to a folder, or unset it to use ~/.sereno.",
        )
    return Home(Path(os.path.abspath(text)))  # noqa: PTH100 - resolve() would read the disk
