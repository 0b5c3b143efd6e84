"""docs/cli.md and the commands say the same."""

from __future__ import annotations

import re
from pathlib import Path

from sereno.tui.cli import exits
from sereno.tui.cli.app import COMMANDS, command

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def test_every_exit_code_is_documented() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.M)}
    assert documented == {code for code, _ in exits.MEANINGS}


def test_every_command_is_documented() -> None:
    named = set(re.findall(r"^\| `([a-z-]+)", PAGE, re.M)) - {"sereno"}
    assert named == set(COMMANDS)


def test_every_option_that_is_named_exists() -> None:
    known = {word for option in command.params for word in option.opts}
    for name in COMMANDS:
        found = command.get_command(None, name)  # type: ignore[arg-type]
        assert found is not None
        parts = [found, *getattr(found, "commands", {}).values()]
        known |= {word for part in parts for option in part.params for word in option.opts}
    assert set(re.findall(r"(--[a-z][a-z-]*)", PAGE)) - {"--help"} <= known
