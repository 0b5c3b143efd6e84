"""Modules of libraries that are loaded when something of them is used, not when they are imported.

For what is imported at every start and used by few. The standard library's own way,
importlib.util.LazyLoader, will not do: it loads a module as soon as it is imported once more.
Stands beside `__main__` and belongs to no room: it is called before anything of them is loaded.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

__all__ = ["NOT_AT_START", "lazily"]

NOT_AT_START = (
    # websockets has it for the versions of its own developers: 25 ms, with mail and archives.
    "importlib.metadata",
    # subprocess has it for pipes of text.
    "locale",
    # msgspec has it for JSON schemas: 50 structs.
    "msgspec.inspect",
    # logging.handlers has it for sending records to other machines.
    "pickle",
    # Ours, for what comes later: kinds of files, words for a shell, removing folders and finding
    # programs (which brings archives along), folders for a moment.
    "mimetypes",
    "shlex",
    "shutil",
    "tempfile",
    # Of the daemon, what somebody must ask for, or what must happen first: a talk and what stands
    # behind it, what is done with agents and their programs, a session that a program keeps, what
    # programs say of themselves, folders of git, files by name, the security page, an address that
    # is taken. They are imported as modules where they are used, never name by name.
    "sereno.core.agents.acts",
    "sereno.core.agents.adoption",
    "sereno.core.agents.creation",
    "sereno.core.agents.ending",
    "sereno.core.agents.inspection",
    "sereno.core.agents.page",
    "sereno.core.daemon.holders",
    "sereno.core.daemon.safety",
    "sereno.core.providers.asking",
    "sereno.core.providers.kept.keepers",
    "sereno.core.providers.kept.model",
    "sereno.core.providers.offer",
    "sereno.core.runners.attach",
    "sereno.core.runners.dead",
    "sereno.core.runners.start",
    "sereno.core.workspaces.files",
    "sereno.core.workspaces.fuzzy",
    "sereno.core.workspaces.gitfiles",
)
"""Nothing of these is used before a daemon's first answer."""
_loading = threading.RLock()


def lazily(*names: str) -> None:
    """From now on importing one of these modules gives something that becomes it when it is asked
    for one of its names, on any thread. Nothing happens to one that is loaded already."""
    made = {name: _stand_in(name) for name in names if name not in sys.modules}
    sys.modules.update(made)
    # A package that is not loaded yet finds it among the modules, as `from package import it` does.
    for name, stand_in in made.items():
        parent, _, last = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], last, stand_in)


def _stand_in(name: str) -> ModuleType:
    stand_in = ModuleType(name)

    def load(attribute: str) -> object:
        with _loading:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = load  # type: ignore[method-assign]
    return stand_in
