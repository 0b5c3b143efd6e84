"""Mouse reporting on and off, so that the terminal's own selection and links work (`F8`)."""

from __future__ import annotations

from typing import Any

from textual.app import App

from sereno.tui.textual_private import write_raw

__all__ = ["OFF", "ON", "toggle"]

ON = "\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h"
OFF = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"

_off: set[int] = set()


def toggle(app: App[Any]) -> str:
    """Turns it on or off; returns what to tell the person."""
    if id(app) in _off:
        _off.discard(id(app))
        write_raw(app, ON)
        return "Mouse on."
    _off.add(id(app))
    write_raw(app, OFF)
    return "Mouse off: select with your terminal. F8 turns it on again."
