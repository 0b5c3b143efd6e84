"""The contract as docs/providers.md prints it: one row a scenario, and why a program cannot.

`python -m tests.e2e.contract.document` writes it into the document; test_document.py compares.
"""

from __future__ import annotations

from pathlib import Path

from tests.e2e.contract.programs import PROGRAMS
from tests.e2e.contract.scenarios import SCENARIOS

__all__ = ["DOCUMENT", "contract", "printed"]

DOCUMENT = Path(__file__).parents[3] / "docs" / "providers.md"
BEGIN, END = "<!-- contract -->\n", "<!-- end of contract -->"
LABELS = {"claude": "Claude Code", "codex": "Codex", "opencode": "OpenCode"}


def contract() -> str:
    """The table, and below it what is not possible, with the reasons."""
    heads = [LABELS[program.name] for program in PROGRAMS]
    lines = [f"| | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for key, words in SCENARIOS.items():
        cells = ["no" if key in program.cannot else "yes" for program in PROGRAMS]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    lines += ["", "What a program cannot do, and why:", ""]
    for program in PROGRAMS:
        for key in SCENARIOS:
            if key in program.cannot:
                row = f"* {LABELS[program.name]}, “{SCENARIOS[key]}”: {program.cannot[key]}"
                lines.append(row)
    return "\n".join(lines) + "\n"


def printed() -> str:
    """What the document has in its place."""
    return DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}{contract()}{END}{rest.partition(END)[2]}")
