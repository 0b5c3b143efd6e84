"""The daemon as a process: built of its parts, run, handed over, taken over, started, stopped."""
