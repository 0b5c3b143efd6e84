"""Modules of the standard library that are loaded when something of them is used.

For what a library loads at every start and does not use. The standard library's own way,
importlib.util.LazyLoader, will not do: it loads a module as soon as it is imported once more.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

__all__ = ["NOT_AT_START", "lazily"]

NOT_AT_START = "importlib.metadata"
"""websockets has it for the versions of its own developers: 25 ms, with mail and archives."""
_loading = threading.RLock()


def lazily(name: str) -> None:
    """From now on importing this module gives something that becomes it when it is asked for one of
    its names, on any thread. Nothing happens where it is loaded already."""
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def load(attribute: str) -> object:
        with _loading:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[name] = stand_in
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(importlib.import_module(parent), last, stand_in)
