"""Screens are looked at ten times as often in tests: nobody waits for the calm of an app."""

from __future__ import annotations

import pytest

from sereno.tui import app


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CALM_TICK", 0.03)
    monkeypatch.setattr(app, "BUSY_TICK", 0.02)
