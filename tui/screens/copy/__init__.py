"""What can be copied, in a panel at the bottom."""
