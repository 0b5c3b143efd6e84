"""Pure policies of security: no sockets, clocks, tasks or files.

May hold: sanitising of text, hostnames and origins, passwords, tokens, devices, roles, throttles,
confinement of paths, the audit chain. Imports core/protocol and the standard library only.
"""
