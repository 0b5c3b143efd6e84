"""How keys are named: in the footer, as far as there is room, and in the help."""

from __future__ import annotations

from textual.binding import Binding

from sereno.tui.lines import plain
from sereno.tui.screens.help import view as helping
from sereno.tui.widgets.footer import footer_lines


def test_the_footer_leaves_out_whole_keys_and_never_cuts() -> None:
    keys = [("enter", "open"), ("n", "a very long explanation of what it does"), ("q", "detach")]
    assert [plain(line) for line in footer_lines(keys, 30, 1)] == [" enter open  q detach"]
    two = [plain(line) for line in footer_lines(keys, 50, 2)]
    assert two == [" enter open", " n a very long explanation of what it does"]


def test_help_names_keys_as_keyboards_do() -> None:
    assert (
        helping.key_words(["question_mark", "f1", "ctrl+right_square_bracket"]) == "?  F1  ctrl+]"
    )
    assert helping.key_words("123456789") == "1-9"
    group = helping.grouped(
        "Here",
        [
            Binding("j", "down", "down"),
            Binding("down", "down", "down"),
            Binding("x", "hidden", ""),
        ],
    )
    assert group.keys == (("j  down", "down"),)
    wide = [plain(line) for line in helping.help_lines([group], 100)]
    assert wide[0] == " Here"
    assert "j  down" in wide[1]
