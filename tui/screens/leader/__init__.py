"""What can follow the leader key."""
