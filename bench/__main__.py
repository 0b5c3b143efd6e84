"""`python -m bench [NAME …] [--runs N]`: runs benchmarks, prints tables, writes JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sqlite3
import sys
from pathlib import Path

from bench.harness import Row, table

NAMES = ("start", "requests", "stream", "flat", "takeover", "door", "relay")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(NAMES)} (all)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--json", type=Path, default=Path(__file__).parent / "results" / "last.json"
    )
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    rows: list[Row] = []
    for name in chosen.names or NAMES:
        found = importlib.import_module(f"bench.{name}").measure(chosen.runs)
        print(f"\n## {name}, {chosen.runs} runs\n\n{table(found)}", flush=True)
        rows += found
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(
        json.dumps(
            {
                "python": platform.python_version(),
                "sqlite": sqlite3.sqlite_version,
                "platform": platform.platform(),
                "runs": chosen.runs,
                "rows": [one.as_json() for one in rows],
            },
            indent=2,
        )
    )
    print(f"\nJSON: {chosen.json}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
