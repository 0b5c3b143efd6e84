"""Logs of the daemon and of agents."""
