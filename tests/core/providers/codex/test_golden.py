"""Golden test: a recorded conversation with the real program gives the expected effects.

`UPDATE_GOLDEN=1 pytest …` writes the file in `golden/` anew; read the difference before you commit
it. The recording is in two files, the second goes on where the first ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.driver import Driver, Identity, Setup
from tests.core.providers.codex.replay import CodexReplay
from tests.core.providers.codex.schema import METHODS
from tests.core.providers.golden import is_golden

HERE = Path(__file__).parent


def recording() -> Iterator[dict[str, Any]]:
    for number in (1, 2):
        path = HERE / "transcripts" / f"codex-app-server-{number}.jsonl"
        for line in path.read_text().splitlines():
            yield json.loads(line)


def replay(restarting: bool) -> CodexReplay:
    def make(run: int, state: bytes | None) -> Driver:
        return CodexDriver(Identity("codex", "Codex"), Setup("/repo", run=run), state)

    played = CodexReplay(make, restarting)
    played.play(recording())
    return played


def test_a_recorded_conversation_gives_the_golden_effects() -> None:
    played = replay(restarting=False)
    path = HERE / "golden" / "codex-app-server.json"
    assert is_golden(played.effects, path)
    assert played.methods <= {*METHODS, "initialized"}


def test_a_restart_after_every_line_changes_nothing() -> None:
    assert replay(restarting=True).effects == replay(restarting=False).effects
