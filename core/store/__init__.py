"""SQLite: what survives. One writer thread with group commit, readers beside it, one repository
per aggregate.

Rows are bytes and numbers here; what they mean is decided in core/agents. It knows no agent's
life and no client.
"""
