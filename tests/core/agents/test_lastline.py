"""Which line of an agent's words stands for it in a list."""

from __future__ import annotations

import pytest

from sereno.core.agents.lastline import last_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("Done.\n\n", "Done."),
        ("Run this:\n```sh\nmake test\n```\n", "make test"),
        ("Run this:\n```python", "Run this:"),
        ("It is fixed\n~~~\n}\n~~~\n---", "It is fixed"),
        ("```\n```", "```"),
        ("Fertig: größer", "Fertig: größer"),
        ("完成了\n***", "完成了"),
        ("x" * 300, "x" * 160),
    ],
)
def test_the_last_line_with_words(text: str, line: str) -> None:
    assert last_line(text) == line
