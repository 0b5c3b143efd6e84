"""docs/providers.md says what the contract says, and nothing is left out of the contract unseen."""

from __future__ import annotations

import ast
from pathlib import Path

from sereno.core.config.keys import SETTINGS
from sereno.core.providers.presets import PRESETS
from tests.e2e.contract.document import DOCUMENT, contract, printed
from tests.e2e.contract.programs import PROGRAMS
from tests.e2e.contract.scenarios import SCENARIOS


def scenarios_with_tests() -> set[str]:
    """The scenarios that have a test."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_mark = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "scenario"
            if is_mark and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def test_every_scenario_has_a_test() -> None:
    assert scenarios_with_tests() == set(SCENARIOS)


def test_what_cannot_be_done_is_a_scenario_and_some_program_can() -> None:
    for program in PROGRAMS:
        assert set(program.cannot) <= set(SCENARIOS)
    for name in SCENARIOS:
        assert any(name not in program.cannot for program in PROGRAMS), name


def test_the_document_prints_the_contract() -> None:
    assert printed() == contract(), "python -m tests.e2e.contract.document writes it anew"


def test_the_document_names_every_preset_and_setting() -> None:
    text = DOCUMENT.read_text()
    for preset in PRESETS.values():
        assert f"`{preset.name}`" in text
        for mode in preset.modes:
            assert f"`{mode.id}`" in text, (preset.name, mode.id)
    for name in SETTINGS:
        if name.startswith("agents.park"):
            assert f"`{name.partition('.')[2]}`" in text
