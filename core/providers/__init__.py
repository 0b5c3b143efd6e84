"""How agent programs are driven: which there are, how they are started, and what they say.

May hold: drivers (sans-I/O), the catalog of providers, environments of child processes, the demo
agent (a program of its own). Imports core/protocol, core/security, core/config; never a process,
a socket or a clock: those belong to core/runners and core/agents.
"""
