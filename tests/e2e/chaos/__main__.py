"""`python -m tests.e2e.chaos SECONDS [SEED]`: the chaos for as long as one likes, by hand."""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from sereno.core.client.errors import ClientError
from tests.e2e.chaos.driver import chaos
from tests.e2e.chaos.house import House


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("--each", type=float, default=90.0, help="seconds of one seed")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the home of a failure")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--without", default="")
    parser.add_argument("--disk", type=int, default=0, help="MiB of a disk for the home")
    options = parser.parse_args()
    over = time.monotonic() + options.seconds
    failed = 0
    while time.monotonic() < over:
        seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
        root = Path(tempfile.mkdtemp(prefix="chaos-", dir=options.root))
        if options.disk:
            (root / "home").mkdir(mode=0o700)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={options.disk}m,mode=700", "tmpfs"]
            subprocess.run([*mount, str(root / "home")], check=True)
        house = House(root)
        began = time.monotonic()
        result = None
        try:
            result = chaos(
                house,
                seed,
                min(options.each, over - time.monotonic()),
                people=options.people,
                only=frozenset(filter(None, options.only.split(","))),
                leave_out=frozenset(filter(None, options.without.split(","))),
            )
        except (AssertionError, OSError, ClientError, subprocess.SubprocessError) as error:
            words = [f"{type(error).__name__}: {error}"]
            traceback.print_exc()
        else:
            words = result.found
        finally:
            house.close_windows()
        print(f"seed {seed}: {time.monotonic() - began:.0f} s, {result}", flush=True)
        for one in words:
            print(f"  !! {one}", flush=True)
        house.end()
        if words:
            failed += 1
            print(f"  kept: {root}", flush=True)
        if words and options.keep:
            shutil.copytree(root, f"{root}-kept", ignore=shutil.ignore_patterns("*.sock", "tmux*"))
        if options.disk:
            subprocess.run(["umount", "-l", str(root / "home")], check=True)
        shutil.rmtree(root, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
