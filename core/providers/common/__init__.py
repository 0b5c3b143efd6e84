"""What every driver needs: the core of its memory, failures in words, differences, bounds of texts.

Not here: what one program says and how. A driver imports this room, and no other driver.
"""
