"""How a program ended: as its runner journals it, and in words. Pure."""

from __future__ import annotations

import msgspec

__all__ = ["Exit", "exit_words", "read_exit"]


class Exit(msgspec.Struct):
    """Exit code or signal; neither is known where the runner died too."""

    code: int | None = None
    signal: int | None = None


def read_exit(data: bytes) -> Exit:
    """The data of an EXIT frame."""
    return msgspec.json.decode(data, type=Exit)


def exit_words(code: int | None, signal: int | None) -> str:
    if signal is not None:
        return f"ended by signal {signal}"
    return "ended" if code is None else f"exit code {code}"
