"""The devices that were let in by pairing."""
