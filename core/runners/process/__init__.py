"""The runner program: owns one agent's stdin, stdout and stderr, and keeps what it says on disk.

Started as `python -I -S -E …/process/__main__.py`, standard library only, no asyncio, subprocess
or json: each module that it imports costs memory once per agent (12 MiB are promised). `wire` and
`tree` are also used by the daemon's side.
"""
