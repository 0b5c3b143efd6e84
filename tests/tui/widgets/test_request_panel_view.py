"""The laid-out panel: what yields when it is tight, and that no key is ever cut away."""

from __future__ import annotations

import pytest

from sereno.core.protocol.permissions import PermissionAction, PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.lines import plain, width_of
from sereno.tui.widgets.request_panel_phase import REMARKS
from sereno.tui.widgets.request_panel_state import Desk, Phase
from sereno.tui.widgets.request_panel_view import Facts, Sheet, lay_out, text_lines, text_width

OPTIONS = [
    PermissionAction(id="once", label="Allow", behavior="allow"),
    PermissionAction(id="always", label="Always", behavior="allow", standing=True),
    PermissionAction(id="no", label="Reject", behavior="deny"),
]
FACTS = Facts(
    since="since 0:41",
    rows=(
        ("in", "~/src/shop, branch main"),
        ("reads as", "several commands; what they do is not read"),
        ("asked", 'the mode is "Ask always"'),
        ("also", "on every screen; the first answer wins"),
    ),
)


def request(lines: int, number: int = 1) -> PermissionRequest:
    command = "\n".join(f"echo {index}" for index in range(lines))
    return PermissionRequest(
        id=f"perm-{number}", provider="demo", name="Bash", kind="tool",
        detail=ShellDetail(command=command), actions=OPTIONS,
    )  # fmt: skip


def desk_with(*requests: PermissionRequest) -> Desk:
    desk = Desk()
    desk.update(0.0, requests)
    desk.take_keyboard(1.0)
    return desk


def sheet(desk: Desk, width: int, height: int, now: float = 9.0, facts: Facts = FACTS) -> Sheet:
    assert desk.current is not None
    text = text_lines(desk.current, text_width(width))
    return lay_out(desk, facts, text, 0, width=width, height=height, now=now)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("waiting", [1, 12])
def test_a_request_put_off_keeps_its_key_at_every_width(width: int, waiting: int) -> None:
    desk = desk_with(*(request(1, number) for number in range(waiting)))
    now = 5.0
    while desk.phase is not Phase.PUT_OFF:
        desk.key(now, "escape")
        desk.tick(now + 1)
        if desk.phase is Phase.SHOWN:
            desk.take_keyboard(now + 1)
        now += 5
    (line,) = sheet(desk, width, 20).lines
    assert plain(line).rstrip().endswith("ctrl+g")
    assert width_of(line) == width


def remarks() -> list[str]:
    """Every remark of the panel's own, as keys bring them out."""
    found = list(REMARKS.values())
    for key in ("y", "s", "e", "o", "z"):
        desk = desk_with(request(40))
        desk.key(5.0, key)
        desk.tick(6.0)
        found.append(desk.remark)
    desk.pasted(7.0)
    return [*found, desk.remark]


@pytest.mark.parametrize("words", remarks())
def test_every_remark_is_whole_on_one_line_of_60(words: str) -> None:
    assert words
    desk = desk_with(request(40))
    desk.remark = words
    lines = [plain(line).strip() for line in sheet(desk, 60, 15).lines]
    assert words in lines


def test_long_words_of_a_refusal_are_wrapped_not_cut() -> None:
    desk = desk_with(request(2))
    desk.remark = "The daemon did not take the answer: " + "because " * 20 + "of the end."
    shown = " ".join(" ".join(plain(line) for line in sheet(desk, 60, 20).lines).split())
    assert desk.remark in shown


@pytest.mark.parametrize(("width", "height", "most"), [(60, 14, 15), (80, 12, 16), (100, 18, 22)])
def test_the_talk_yields_before_the_text_and_facts_before_the_keys(
    width: int, height: int, most: int
) -> None:
    desk = desk_with(request(60))
    text = text_lines(desk.queue[0], text_width(width))
    made = lay_out(desk, FACTS, text, 0, width=width, height=height, most=most, now=9.0)
    assert made.rows >= 8
    assert len(made.lines) <= most
    shown = "\n".join(plain(line) for line in made.lines)
    assert "~/src/shop, branch main" in shown, "where it happens"
    for key in ("allow: first see the end", "deny and say why ...", "decide later"):
        assert key in shown


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_short_text_takes_nothing_from_the_talk(width: int) -> None:
    desk = desk_with(request(1))
    text = text_lines(desk.queue[0], text_width(width))
    made = lay_out(desk, FACTS, text, 0, width=width, height=18, most=22, now=9.0)
    assert len(made.lines) <= 18
    assert "first answer wins" in "\n".join(plain(line) for line in made.lines)
