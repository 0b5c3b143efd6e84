"""What is too long says what was left out."""

from __future__ import annotations

from sereno.core.providers.common.bounds import clip


def test_clipping_says_what_it_left_out() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("a" * 50 + "b" * 50, 20) == ("aaaaaaaaaa\n[… 80 characters left out …]\nbbbbbbbbbb")
