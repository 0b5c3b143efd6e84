"""`python -m bench.fuzz head|hello|frames [libFuzzer's options]`: runs one target until it fails.

`-max_total_time=60` ends it after a minute. What it found interesting stays in
`bench/results/fuzz/TARGET`, from where the next run goes on; an input that fails is written beside
it, and given as an argument it is tried again.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

TARGETS = ("head", "hello", "frames")
RESULTS = Path(__file__).parent.parent / "results" / "fuzz"


def corpus(name: str, seeds: list[bytes]) -> Path:
    """A folder with what there is to begin with, and what was found before."""
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    return folder


def dictionary(name: str, words: list[bytes]) -> Path:
    """A file in libFuzzer's own form."""
    made = RESULTS / f"{name}.words"
    lines = ["".join(f"\\x{byte:02x}" for byte in word) for word in words]
    made.write_text("".join(f'"{line}"\n' for line in lines))
    return made


def main() -> int:
    name, options = sys.argv[1:2], sys.argv[2:]
    if name not in [[one] for one in TARGETS]:
        print(__doc__, file=sys.stderr)
        return 2
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["sereno.core", "websockets", "json.decoder"]):
        target = importlib.import_module(f"bench.fuzz.{name[0]}")
    again = any(Path(one).is_file() for one in options)
    files = [] if again else [str(corpus(name[0], target.SEEDS))]
    ours = (f"-dict={dictionary(name[0], target.WORDS)}", f"-artifact_prefix={RESULTS}/{name[0]}-")
    atheris.Setup([sys.argv[0], *ours, *options, *files], target.one)
    asyncio.run(_fuzz(atheris))
    return 0


async def _fuzz(atheris: Any) -> None:
    """In a loop, for what asks it for the time; it never turns."""
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
