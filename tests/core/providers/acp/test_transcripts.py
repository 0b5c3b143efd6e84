"""Golden tests: recorded conversations with four real programs give the expected effects.

`UPDATE_GOLDEN=1 pytest …` writes the files in `golden/` anew; read the difference before you
commit it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sereno.core.providers.acp.driver import AcpDriver
from sereno.core.providers.driver import Driver, Identity, Setup
from tests.core.providers.acp.replay import Replay
from tests.core.providers.golden import is_golden

HERE = Path(__file__).parent
NAMES = ("acp-opencode", "acp-claude-agent-acp", "acp-codex-acp", "acp-gemini")


def replay(name: str, restarting: bool) -> list[Any]:
    def make(run: int, state: bytes | None) -> Driver:
        return AcpDriver(Identity("some", "The agent"), Setup("/repo", run=run), state)

    return Replay(make, restarting).play(HERE / "transcripts" / f"{name}.jsonl")


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_conversation_gives_the_golden_effects(name: str) -> None:
    effects = replay(name, restarting=False)
    path = HERE / "golden" / f"{name}.json"
    assert is_golden(effects, path)


@pytest.mark.parametrize("name", NAMES)
def test_a_restart_after_every_line_changes_nothing(name: str) -> None:
    assert replay(name, restarting=True) == replay(name, restarting=False)
