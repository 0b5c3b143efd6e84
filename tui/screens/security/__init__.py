"""The security of the daemon: who can reach it, and what they must show."""
