"""The first screen of a new home."""
