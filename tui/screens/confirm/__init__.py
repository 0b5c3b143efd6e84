"""Questions in a panel at the bottom."""
