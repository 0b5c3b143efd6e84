"""Labels on every part of a screen."""
