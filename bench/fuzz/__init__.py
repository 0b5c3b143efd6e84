"""What strangers can send to a door, made up by a fuzzer that watches which lines it reaches.

By hand, not by `make test`: `make fuzz`, or `python -m bench.fuzz TARGET` with atheris installed.
"""
