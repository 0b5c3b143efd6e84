"""What a path may say, by the table of A.4.1, and what it may never lead to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.security.confinement import PathRefused, link_steps, shown, steps_of

ROOT = "/srv/p"
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

TAKEN: list[tuple[str, tuple[str, ...]]] = [
    ("", ()),
    (".", ()),
    ("/", ()),
    ("./", ()),
    (ROOT, ()),
    ("a", ("a",)),
    ("./a", ("a",)),
    (" a ", ("a",)),
    ("a/b.txt", ("a", "b.txt")),
    ("a\\b", ("a", "b")),
    (ROOT + "/a/b", ("a", "b")),
    (".git/config", (".git", "config")),
    ("…/ünï/日本", ("…", "ünï", "日本")),
    ("...", ("...",)),
    ("a" * 255, ("a" * 255,)),
    ("/".join("a" * 64), tuple("a" * 64)),
    # What only Windows minds: Sereno does not run there, and repositories hold such files.
    ("aux", ("aux",)),
    ("a./b", ("a.", "b")),
]
REFUSED = [
    ("a\0b", "not_a_path"),
    ("/etc/passwd", "absolute"),
    ("//etc/passwd", "absolute"),
    ("\\etc\\passwd", "absolute"),
    (".//etc", "absolute"),
    ("/srv/p2/a", "absolute"),
    (ROOT + "//etc", "absolute"),
    ("C:\\x", "not_a_path"),
    ("c:", "not_a_path"),
    ("a/b:stream", "not_a_path"),
    ("..", "climbs"),
    ("a/../b", "climbs"),
    ("a\\..\\b", "climbs"),
    (ROOT + "/../x", "climbs"),
    ("a//b", "climbs"),
    ("a/", "climbs"),
    ("a/./b", "climbs"),
    ("././a", "climbs"),
    ("a" * 256, "too_long"),
    ("/".join(["a" * 200] * 3), "too_long"),
    ("/".join("a" * 65), "too_deep"),
    ("a\nb", "odd_name"),
    ("a\x1b[2Jb", "odd_name"),
    ("a\x7fb", "odd_name"),
    ("a\x9bb", "odd_name"),
    ("a\u202etxt.exe", "odd_name"),
    ("a\u2066b", "odd_name"),
    ("a\udce9", "odd_name"),
]


@pytest.mark.parametrize(("text", "steps"), TAKEN)
def test_c77_paths_that_name_something_below(text: str, steps: tuple[str, ...]) -> None:
    assert steps_of(text, ROOT) == steps


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_c77_c78_t70_paths_that_do_not(text: str, code: str) -> None:
    with pytest.raises(PathRefused) as caught:
        steps_of(text, ROOT)
    assert caught.value.code == code
    assert caught.value.words.isprintable(), "a refusal shows what it names and does nothing"


def test_c77_the_root_of_the_system_is_a_folder_like_any_other() -> None:
    assert steps_of("/etc/hosts", "/") == ("etc", "hosts")
    assert steps_of("/", "/") == ()


PIECES = st.sampled_from(
    ["..", ".", "", "/", "//", "a", "b", "\\", "C:", " ", "\0", ROOT, "~", "./"]
)


@given(st.lists(PIECES, max_size=12).map("/".join) | st.text(max_size=40))
def test_c78_t70_no_text_gives_a_step_that_climbs(text: str) -> None:
    steps: tuple[str, ...] = ()
    words = ""
    try:
        steps = steps_of(text, ROOT)
    except PathRefused as refused:
        words = refused.words
    assert not CONTROLS.search(words)
    assert len(steps) <= 64
    for step in steps:
        assert step not in ("", ".", "..")
        assert not set("/\\\0:") & set(step)
        assert 0 < len(step) <= 255


@given(st.text(max_size=80))
def test_links_are_steps_or_nothing(target: str) -> None:
    if target.startswith("/"):
        with pytest.raises(PathRefused):
            link_steps(target)
        return
    steps = link_steps(target)
    assert "" not in steps
    assert "." not in steps
    assert all("/" not in step for step in steps)


@given(st.text(max_size=400))
def test_what_is_shown_of_a_path_does_nothing(text: str) -> None:
    assert len(shown(text)) <= 200
    assert not CONTROLS.search(shown(text))
