"""The self-hosted relay, `sereno relay`: joins daemons and clients by an id.

A program of its own with no key material: frames are sealed by both ends, and it looks into none of
them. Rules in acts, place, room, pair, ledger and switchboard are free of I/O; link, server and
program are the shells around them.
"""
