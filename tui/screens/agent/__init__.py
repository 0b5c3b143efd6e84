"""One agent: its talk, its requests, and where the next prompt is written."""
