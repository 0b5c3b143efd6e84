"""An agent's life: its states, its timeline, what it asks, what waits for it, and the fleet of all.

`fleet.py` is the door for sessions. `agent.py` and `live.py` are the shell around pure parts
(`states`, `life`, `step`, `timeline`, `snapshot`, `announce`): each batch of frames and each wish
of a person is one step, stored in one transaction before anybody hears of it. It knows no client
and no transport.
"""
