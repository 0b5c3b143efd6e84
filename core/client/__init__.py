"""Talking to a daemon: asyncio (UI, tests, benchmarks) and blocking (command line). No screen."""
