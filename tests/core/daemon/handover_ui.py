"""A stand-in for the UI's process: embeds a daemon as the UI does, and then does what it is told.

Run as a program: HOME ACT. Prints `ready PID STANDBY` when clients are served.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from sereno.core.config import load_config
from sereno.core.daemon.handover import EmbeddedDaemon, Ended, block_signals
from sereno.core.home import Home


def main(root: str, act: str) -> None:
    block_signals()
    home = Home(Path(root))
    daemon = EmbeddedDaemon(home, load_config(home, os.environ))
    ended = threading.Event()

    def tell(end: Ended) -> None:
        print(f"ended {end.reason} {end.words}", flush=True)
        ended.set()

    daemon.on_ended = tell
    daemon.start()
    assert daemon._keeper is not None
    leave = threading.Event()
    daemon.watch_signals(lambda number: print(f"signal {number}", flush=True))
    print(f"ready {os.getpid()} {daemon._keeper.pid}", flush=True)
    sys.stdin.readline()
    match act:
        case "hand_over":
            began = time.monotonic()
            done = daemon.hand_over()
            print(f"handed {done} {time.monotonic() - began:.3f}", flush=True)
            print(f"again {daemon.hand_over()}", flush=True)
        case "quit":
            print(f"quit {daemon.quit_for_good()}", flush=True)
        case "stall":
            daemon.leave_within(0.3)
            leave.wait()
        case "crash":
            os.abort()
        case "wait":
            leave.wait()
        case "ended":
            ended.wait()
            sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
