"""Pairing: a code that another device scans, and the question before it gets in."""
