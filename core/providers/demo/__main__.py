"""The demo agent's command line: `python -P -m sereno.core.providers.demo [--log F] [--state D]`.

`--pace MS` is the pause after each piece of text; SERENO_DEMO_LOG and SERENO_DEMO_PACE stand for
the options. Standard input and output speak the Agent Client Protocol.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sereno.core.providers.demo.agent import DemoAgent, Settings

__all__ = ["main"]


def settings(arguments: list[str], environ: dict[str, str]) -> Settings:
    """The settings, or SystemExit with a word on what is wrong."""
    options = {"--log": environ.get("SERENO_DEMO_LOG"), "--pace": environ.get("SERENO_DEMO_PACE")}
    options["--state"] = None
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if name not in options or not rest:
            raise SystemExit(f"demo agent: {name} is not understood; known: {', '.join(options)}")
        options[name] = rest.pop(0)
    home = Path(environ.get("HOME") or "/")
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "sereno-demo"
    return Settings(
        Path(options["--state"] or state),
        options["--log"],
        float(options["--pace"]) / 1000 if options["--pace"] else 0.008,
    )


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        DemoAgent(settings(sys.argv[1:], dict(os.environ))).run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody listens: nothing left to flush to
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
