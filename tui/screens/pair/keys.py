"""Which keys the pairing screen has at which stage, and how its footer shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sereno.tui.lines import Line, spread
from sereno.tui.news import news_lines
from sereno.tui.screens.pair.view import Sight, Stage, fits
from sereno.tui.widgets.footer import Footer, FooterKey, footer_lines
from sereno.tui.widgets.key_shown import keys_shown

if TYPE_CHECKING:
    from sereno.tui.app import SerenoApp

__all__ = ["PairFooter", "allowed", "footer_keys"]

_OPEN = frozenset({"hide", "link", "copy", "image", "end"})
_KEYS: dict[Stage, frozenset[str]] = {
    Stage.CHOICE: frozenset({"draw"}),
    Stage.CODE: _OPEN,
    Stage.HIDDEN: _OPEN | {"draw"},
    Stage.LINK: _OPEN | {"draw"},
    Stage.SMALL: _OPEN - {"hide"},
    Stage.OVER: frozenset({"new"}),
}
_OURS = frozenset().union(*_KEYS.values())


def allowed(stage: Stage, action: str) -> bool | None:
    """Whether the action means something there; None for what is not of these."""
    return action in _KEYS[stage] if action in _OURS else None


def footer_keys(stage: Stage, sight: Sight | None, *, asks: bool, image: bool) -> list[FooterKey]:
    """The most needed first; `asks`: somebody waits for an answer."""
    keys: list[FooterKey] = [("a", "answer who wants in")] if asks else []
    match stage:
        case Stage.CHOICE:
            keys += [("enter", "make the code"), ("tab", "next field")]
        case Stage.CODE:
            keys += [("h", "hide"), ("l", "link as text"), ("c", "copy link"), ("x", "end ...")]
        case Stage.HIDDEN:
            keys += [("enter", "show the code"), ("l", "link as text"), ("c", "copy link")]
            keys += [("x", "end this offer ...")]
        case Stage.LINK:
            small = sight is not None and not fits(sight.code, sight.width, sight.height)
            keys += [("c", "copy link"), ("l", "back" if small else "the code"), ("h", "hide")]
            keys += [("x", "end this offer ...")]
        case Stage.SMALL:
            keys += [("l", "link as text"), ("c", "copy link")]
            keys += [("s", "image file")] if image else []
            keys += [("x", "end this offer ...")]
        case Stage.OVER:
            keys += [("n", "another code")]
    return [*keys, ("esc", "back"), ("D", "devices"), ("?", "keys")]


class PairFooter(Footer):
    """One line without a rule beside a code, which needs the room."""

    bare = False
    left = ""

    def be(self, *, bare: bool, left: str = "") -> None:
        """`bare`: one line. `left`: how long the code counts, where nothing else says it."""
        if (bare, left) != (self.bare, self.left):
            self.bare, self.left = bare, left
            self.styles.height = 1 if bare else None
            self.refresh(layout=True)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        if not self.bare:
            return super().lines(width, height)
        news = cast("SerenoApp", self.app).news
        told = None if news is None else news_lines(news, width, 1)
        if told:
            return told
        shown = keys_shown(self, tuple((name, "key") for name, _ in self.keys))
        named = [(name, words) for (name, _), (_, words) in zip(shown, self.keys, strict=True)]
        right: Line = ((f"{self.left} ", "busy"),) if self.left else ()
        line = footer_lines(named, width - len(self.left) - 2, 1)[0]
        return [spread(line, right, width, gap=1)]
