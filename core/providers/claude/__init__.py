"""The native driver of Claude Code, by its stream-json control protocol (sans-I/O).

One idea a file; driver.py ties them together, arguments.py says how the program is started. Facts
about the protocol were taken from the running program and from the public SDK's types.
"""
