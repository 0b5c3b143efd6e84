"""What runs for an agent: its processes and their memory."""
