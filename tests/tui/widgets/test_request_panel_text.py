"""What a request shows, and what stands behind the bar that only real arguments have."""

from __future__ import annotations

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.tools import ShellDetail
from sereno.tui.widgets.request_panel_text import asked_text
from sereno.tui.widgets.request_panel_view import BAR, text_lines


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
