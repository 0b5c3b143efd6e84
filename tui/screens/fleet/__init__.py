"""The fleet overview."""
