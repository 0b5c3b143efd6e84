"""All keys of a place."""
