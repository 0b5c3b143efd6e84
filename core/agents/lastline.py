"""The last line of what an agent said, for lists. Pure.

Not the wish of a request and not an error: those have words of their own.
"""

from __future__ import annotations

__all__ = ["last_line"]

_FENCES = ("```", "~~~")


def last_line(text: str) -> str:
    """The last line with words, at most 160 characters; empty where nothing was said.

    A fence of code, a rule or a bracket is passed over, unless there is nothing else.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if not line.startswith(_FENCES) and any(map(str.isalnum, line)):
            return line[:160]
    return lines[-1][:160] if lines else ""
