"""The driver for programs that speak the Agent Client Protocol (version 1), written defensively.

`driver.py` is the way in; the rest is split by idea: opening a session, updates, tool calls,
permissions, options (modes, models), failures in words, content. All of it is sans-I/O.
"""
