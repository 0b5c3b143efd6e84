"""Sereno: runs coding agents on your own machine. The import name; the code is in the linked folders."""

__version__ = "0.1.0"
"""As in pyproject.toml, which a test compares: reading it from there, or from what an installation
keeps of it, would take part of every start."""
