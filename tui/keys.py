"""Keys that work everywhere, the leader's followers, and the keys that we never bind.

Every binding has an id (`place.what`), so that a keymap can change it; the help screen and the
footer show what is bound. Bindings of one place stand in its screen.
"""

from __future__ import annotations

import msgspec
from textual.binding import Binding, BindingType

__all__ = ["EVERYWHERE", "LEADER", "NEVER", "Follower", "key"]

NEVER: dict[str, str] = {
    "ctrl+b": "prefix of tmux",
    "ctrl+a": "prefix of screen and of many tmux setups",
    "ctrl+h": "the same byte as backspace",
    "ctrl+i": "the same byte as tab",
    "ctrl+m": "the same byte as enter",
    "ctrl+left_square_bracket": "the same byte as escape",
    "ctrl+s": "flow control",
    "ctrl+q": "flow control",
    "ctrl+comma": "needs the kitty protocol",
    "ctrl+w": "an editing key of readline",
    "ctrl+k": "an editing key of readline",
    "ctrl+e": "an editing key of readline",
    "tilde": "escape of ssh",
}
"""Keys that never reach us, or that belong to someone else, and why (tui-design section 5).

So do `alt+digit`, `super+…`, `ctrl+shift+…`, and `alt+enter`, `shift+enter`, `ctrl+enter` as the
only way to something: tests/tui/test_keys.py holds every binding against all of them. `ctrl+u` is
readline's in text and half a page up in lists.
"""


def key(keys: str, action: str, words: str, name: str, *, first: bool = False) -> Binding:
    """A binding; `name` is its id for keymaps. `first`: before the focused widget sees the key."""
    return Binding(keys, action, words, show=False, priority=first, id=name)


class Follower(msgspec.Struct, frozen=True):
    """What can follow the leader, `ctrl+x`."""

    key: str
    words: str
    action: str


LEADER_KEY = "ctrl+x"

EVERYWHERE: list[BindingType] = [
    key("f1,question_mark", "keys", "all keys of this place", "app.keys"),
    key("ctrl+p", "command_palette", "command palette", "app.palette", first=True),
    key("colon", "command_palette", "command by words", "app.command"),
    key("ctrl+g", "oldest_request", "oldest open request", "app.request", first=True),
    key("ctrl+o", "jump", "jump labels on every part", "app.jump", first=True),
    key("ctrl+l", "redraw", "draw the screen again", "app.redraw"),
    key("ctrl+z", "suspend_process", "suspend to the shell", "app.suspend", first=True),
    key("ctrl+c", "interrupt", "copy, clear, stop; twice: detach", "app.stop", first=True),
    key(LEADER_KEY, "leader", "leader: shows what can follow", "app.leader", first=True),
    key("f8", "mouse", "mouse on or off", "app.mouse"),
]

LEADER: tuple[Follower, ...] = (
    Follower("d", "detach", "app.detach"),
    Follower("l", "log", "app.log"),
    Follower("f", "fleet", "app.fleet"),
    Follower("w", "who wants in: pair", "app.pair"),
    Follower("r", "run a daemon", "app.start_daemon"),
)
"""After `ctrl+x` in every place, text fields included; `1` to `9` open an agent by its number."""
