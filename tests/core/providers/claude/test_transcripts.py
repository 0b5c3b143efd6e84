"""Golden tests: recorded conversations with the real program give the expected effects.

`UPDATE_GOLDEN=1 pytest …` writes the files in `golden/` anew; read the difference before you
commit it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sereno.core.providers.claude.driver import ClaudeDriver
from sereno.core.providers.driver import Driver, Identity, Setup
from tests.core.providers.claude.replay import ClaudeReplay
from tests.core.providers.golden import is_golden

HERE = Path(__file__).parent
SESSION = "00000000-0000-4000-8000-000000000002"
CONVERSATIONS = {
    "turns": ("claude-stream-json-1", "claude-stream-json-2"),
    "sub-agents": ("claude-stream-json-3",),
}


def replay(name: str, restarting: bool) -> list[Any]:
    def make(run: int, state: bytes | None) -> Driver:
        setup = Setup("/repo", run=run, session_id=SESSION)
        return ClaudeDriver(Identity("claude", "Claude"), setup, state)

    files = [HERE / "transcripts" / f"{part}.jsonl" for part in CONVERSATIONS[name]]
    lines = [line for file in files for line in file.read_text().splitlines()]
    return ClaudeReplay(make, restarting).play(lines)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_recorded_conversation_gives_the_golden_effects(name: str) -> None:
    effects = replay(name, restarting=False)
    path = HERE / "golden" / f"{name}.json"
    assert is_golden(effects, path)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_restart_after_every_line_changes_nothing(name: str) -> None:
    assert replay(name, restarting=True) == replay(name, restarting=False)
