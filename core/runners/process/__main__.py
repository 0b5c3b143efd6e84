"""The program: reads its spec from stdin, starts the agent, says that it is ready, and runs.

Its parent ends at once (so that no daemon has to reap it) and the rest goes on in a session of its
own. Steps have names: a step that fails is told to the daemon by name, errno and words.
"""

from __future__ import annotations

import os
import sys

if os.fork():
    os._exit(0)
os.setsid()
os.closerange(3, 65536)
# Behind the standard library, so nothing there can stand in for a module of Python.
sys.path.append(__file__.rsplit("/", 5)[0])

from sereno.core.runners.process.start import main  # noqa: E402

main()
