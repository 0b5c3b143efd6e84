"""Archived agents, and sessions that can be taken over."""
