"""Sereno: runs coding agents on your own machine. The import name; the code is in the linked folders."""
