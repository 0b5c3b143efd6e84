"""The way through a relay that nobody has to trust, both ends: offers, channels, connectors.

Imports core.protocol only and hands each opened channel to who wired it (design.md section 3).
"""
