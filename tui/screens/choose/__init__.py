"""All values of one field, to be filtered by typing."""
