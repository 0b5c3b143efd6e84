"""What a request shows, and what stands behind the bar that only real arguments have."""

from __future__ import annotations

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.widgets.request_panel_text import PROSE_LIMIT, asked_text
from sereno.tui.widgets.request_panel_view import BAR, SAYS, text_lines

WORDS = ("please " * 300)[:2000]


def request(command: str, description: str) -> PermissionRequest:
    detail = ShellDetail(command=command)
    return PermissionRequest(
        id="1", provider="demo", name="Bash", kind="tool", detail=detail, description=description
    )


def test_t43_words_of_the_agent_have_no_bar() -> None:
    lines = text_lines(request("rm -rf build", "echo harmless"), 60)
    barred = ["".join(part for part, _ in line) for line in lines if line[0][0] == BAR]
    assert barred == [f"{BAR}rm -rf build"]
    assert any("echo harmless" in "".join(part for part, _ in line) for line in lines)


def test_t43_a_description_that_only_repeats_a_cut_command_is_left_out() -> None:
    command = " && ".join(f"echo step-{number}-of-the-long-command" for number in range(150))
    kinds = {line.kind for line in asked_text(request(command, command[:2000] + "…"))}
    assert kinds == {"text"}


def test_t43_a_part_from_the_middle_is_no_repetition() -> None:
    lines = asked_text(request("./undelete-all", "delete"))
    assert [line.text for line in lines if line.kind == "quote"] == ["delete"]
    assert not any(line.kind == "quote" for line in asked_text(request("make all", "`make al…")))


def test_t43_words_of_the_agent_say_where_they_were_cut() -> None:
    """Also those that a provider cut to 2,000 characters before they came here."""
    lines = asked_text(request("ls", WORDS))
    *_, last, mark = lines
    assert last.kind == "quote"
    assert (mark.kind, mark.text) == ("label", "[cut here: the agent says more than this]")
    said = "".join(line.text for line in lines if line.kind == "quote")
    assert len(said) == PROSE_LIMIT
    shown = ["".join(text for text, _ in line) for line in text_lines(request("ls", WORDS), 60)]
    assert shown[-1].strip() == mark.text
    assert not shown[-1].startswith((BAR, SAYS)), "the mark is ours"
    whole = asked_text(request("ls", "please " * 20))
    assert not any("cut here" in line.text for line in whole)
