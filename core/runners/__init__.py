"""Runners: one small process per agent that owns its pipes and outlives the daemon.

`process/` is the program itself (standard library only). The modules beside it are the daemon's
side: `start` makes a runner, `link` attaches to a living one, `dead` reads and cleans up after one
that is gone, `model` holds the words they share. What the agent says is bytes here, never meaning.
"""
