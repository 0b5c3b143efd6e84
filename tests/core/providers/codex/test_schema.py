"""The pinned part of Codex's interface: complete, and still what the installed program speaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sereno.core.providers.codex.approvals import REQUESTS as HANDLED
from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.driver import Identity, Setup
from tests.core.providers.codex import schema
from tests.e2e.model_server.codex import codex_program


def test_every_name_that_is_used_is_pinned() -> None:
    known = schema.pinned()
    assert set(known["methods"]) == set(schema.METHODS)
    assert set(known["notifications"]) == set(schema.NOTIFICATIONS)
    assert set(known["requests"]) == set(schema.REQUESTS) == HANDLED
    assert set(known["types"]) == set(schema.TYPES)
    driver = CodexDriver(Identity("codex", "Codex"), Setup("/repo"))
    assert set(driver._handlers) <= set(schema.NOTIFICATIONS)


@pytest.mark.node
def test_the_installed_program_speaks_what_is_pinned() -> None:
    program = codex_program()
    assert program is not None, "npm ci --prefix tests/e2e/agents"
    assert schema.differences(program) == []


def test_what_is_gone_or_new_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    other = json.loads(json.dumps(schema.pinned()))
    del other["methods"]["turn/steer"]
    other["notifications"]["error"] = ["words"]
    monkeypatch.setattr(schema, "regenerate", lambda _program: other)
    gone, changed = schema.differences(Path("codex"))
    assert gone.startswith("methods turn/steer: ['expectedTurnId', 'input', 'threadId'] is now")
    assert changed.startswith("notifications error:")
