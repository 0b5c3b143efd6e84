"""The ids of all bindings, place by place, so that `[ui.keys]` can be checked without loading every
place. Written by hand with the bindings; tests/tui/test_key_map.py holds it against them.
"""

from __future__ import annotations

__all__ = ["FIRST", "IDS"]

_PLACES = {
    "admit": "leave next no previous yes",
    "agent": (
        "copy detach leave log modes next_block next_part previous_block previous_part "
        "processes write "
    ),
    "app": "command jump keys leader mouse palette redraw request stop suspend",
    "ask": "leave",
    "choice": "next previous",
    "choose": "down leave page_down page_up up",
    "confirm": "no yes",
    "devices": "back copy pair rename revoke",
    "edit": "leave next previous save",
    "first": "back start",
    "fleet": (
        "agent_1 agent_2 agent_3 agent_4 agent_5 agent_6 agent_7 agent_8 agent_9 archive "
        "clear copy daemon_log detach down filter history layout log modes new new_editor "
        "open pair pin rename security start_daemon stop undo up "
    ),
    "help": "back down page_down page_up up",
    "history": "back filter import_all",
    "list": "down first last open page_down page_up up",
    "log": (
        "back copy debug down error export first follow info last next page_down page_up "
        "previous search source source_back up warn wrap "
    ),
    "modes": "change leave next previous",
    "new": "back choose",
    "pager": "down end leave page_down page_up start up",
    "pair": "answer back copy devices draw end hide image link new",
    "processes": "back copy down first last page_down page_up up wrap",
    "screen": "next previous",
    "security": "back copy devices pair refresh remove_password rotate token",
    "talk": "down fold half_down half_up newest next oldest page_down page_up previous up",
}
IDS = frozenset(f"{place}.{name}" for place, names in _PLACES.items() for name in names.split())
FIRST = frozenset(
    {
        *(f"app.{name}" for name in ("palette", "request", "jump", "suspend", "stop", "leader")),
        *("log.source", "log.source_back"),
    }
)
"""These work in text fields too: the binding comes before the field."""
