"""`sereno pair`: the code, the question under the prompt, and how it ends; devices, rotation."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from sereno.core.protocol.pairing import (
    AnswerQuestion,
    ChangeDevice,
    CloseOffer,
    OfferPairing,
    ReadPairing,
    RevokeDevice,
    RotatePairings,
)
from sereno.core.protocol.values import Wire
from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.terminal import Terminal, at_terminal
from tests.tui.cli.test_token_qr import read
from tests.tui.pairing_place import APP_URL, OWN_URL, TYPED, Gate, device, relay

KINDS = (
    AnswerQuestion,
    ChangeDevice,
    CloseOffer,
    OfferPairing,
    ReadPairing,
    RevokeDevice,
    RotatePairings,
)
ASKED = "let it in? y/N "


@pytest.fixture
def gate(daemon: FakeDaemon) -> Iterator[Gate]:
    """What the daemon does about pairing."""
    made = Gate(device(1, "Pixel 9", connections=1), device(2, "iPad"), waits=True)

    def answer(kind: type[Wire], request: Message) -> list[Message]:
        reply = made(msgspec.convert(request, type=kind))
        payload = {**msgspec.to_builtins(reply), "requestId": request["requestId"]}
        return [message(type(reply).wire_type, payload)]  # type: ignore[attr-defined]

    for kind in KINDS:
        tag = kind.__struct_config__.tag
        daemon.answers[str(tag)] = partial(answer, kind)
    yield made
    made.changed()


def came(terminal: Terminal, gate: Gate, **more: object) -> None:
    """The offer stands, and somebody comes by it."""
    terminal.until("do not post or record it.")
    gate.knock(gate.offers[0].id, **more)
    terminal.until(ASKED)


# -- scripts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("pair",), ("daemon", "pair")])
def test_as_json_it_waits_for_nothing(gate: Gate, sereno: Run, command: tuple[str, ...]) -> None:
    done = sereno(*command, "--json", "--yes", "--name", "Pixel", "--rights", "viewer")
    assert done.code == exits.OK, done.err
    value = json.loads(done.out)
    assert value["id"] == "offer-0"
    assert value["url"] == APP_URL
    assert value["confirm"] is False
    (asked,) = gate.of(OfferPairing)
    assert (asked.kind, asked.name, asked.rights) == ("app", "Pixel", "viewer")
    assert (asked.confirm, asked.enable_relay) == (False, False)


def test_for_another_sereno(gate: Gate, sereno: Run) -> None:
    done = sereno("pair", "--for", "sereno", "-q")
    assert done.out == f"{OWN_URL}\n"
    assert gate.of(OfferPairing)[0].confirm is True
    told = json.loads(sereno("pair", "--for", "sereno", "--json").out)
    assert (told["url"], told["code"]) == (OWN_URL, TYPED)
    assert "code" not in json.loads(sereno("pair", "--json").out), "an app types none"


def test_what_can_be_typed_stands_under_the_link(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair", "--for", "sereno", "--yes") as terminal:
        assert terminal.end() == exits.OK
    assert f"\n{OWN_URL}\n\nOr typed, " in terminal.plain
    assert f"sereno --host {TYPED}\n" in terminal.plain
    with at_terminal(home, "pair", "--yes") as terminal:
        assert terminal.end() == exits.OK
    assert "typed" not in terminal.plain


def test_the_key_is_not_printed_into_a_pipe_unasked(gate: Gate, sereno: Run) -> None:
    for arguments in ((), ("--yes",)):
        done = sereno("pair", *arguments)
        assert done.code == exits.USAGE
        assert "--json" in done.err
    assert gate.asked == []


def test_a_relay_that_is_off_is_switched_on_only_when_told(gate: Gate, sereno: Run) -> None:
    gate.relay = relay(enabled=False, state="off")
    done = sereno("pair", "--json")
    assert done.code == exits.FAILED
    assert json.loads(done.err)["code"] == "relay_off"
    assert "--enable-relay" in done.err
    assert sereno("pair", "--json", "--enable-relay").code == exits.OK
    assert gate.of(OfferPairing)[1].enable_relay is True


def test_what_the_daemon_refuses_is_said_whole(gate: Gate, sereno: Run) -> None:
    gate.refusal = ("too many offers are open", "Close one")
    done = sereno("pair", "--json")
    assert done.code == exits.FAILED
    assert json.loads(done.err) == {
        "code": "refused", "message": "too many offers are open", "nextStep": "Close one",
    }  # fmt: skip


def test_an_image_only_for_its_owner(gate: Gate, sereno: Run, tmp_path: Path) -> None:
    file = tmp_path / "code.png"
    assert sereno("pair", "--json", "--image", str(file)).code == exits.OK
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().startswith(b"\x89PNG")


def test_pairing_is_about_this_machine_only(gate: Gate, sereno: Run) -> None:
    for command in (("pair", "--json"), ("pair", "rotate"), ("device", "ls")):
        done = sereno(*command, "--host", "box:1")
        assert done.code == exits.USAGE
        assert "local_only" in done.err or "this machine only" in done.err
    assert gate.asked == []


def test_without_a_daemon(sereno: Run) -> None:
    assert sereno("pair", "--json").code == exits.NO_DAEMON
    assert sereno("device", "ls").code == exits.NO_DAEMON


# -- at a terminal ---------------------------------------------------------------------------------


def test_c15_it_draws_a_code_asks_and_lets_in(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        came(terminal, gate)
        drawn = [line for line in terminal.text.splitlines() if line.startswith("\x1b[38;5;231")]
        assert len(drawn) == 29
        assert read(drawn) == APP_URL
        assert f"\n{APP_URL}\n" in terminal.plain
        assert "An official app (mobile, app 0.1.65) wants in" in terminal.text
        assert "drop, delay or reorder" in terminal.text
        terminal.type("y\n")
        assert terminal.end() == exits.OK
    assert "Pixel 9 is paired" in terminal.text
    (asked,) = gate.of(AnswerQuestion)
    assert asked.allow is True
    assert gate.of(CloseOffer) == []


@pytest.mark.parametrize("typed", ["\n", "n\n", "yess\n", "\x04"])
def test_anything_but_a_yes_is_a_no(gate: Gate, home: Path, typed: str) -> None:
    with at_terminal(home, "pair", "--for", "sereno") as terminal:
        came(terminal, gate)
        assert "copper   tulip   anchor" in terminal.text
        terminal.type(typed)
        assert terminal.end() == exits.FAILED
    assert [each.allow for each in gate.of(AnswerQuestion)] == [False]


def test_what_was_typed_before_the_question_answers_nothing(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        terminal.until("do not post or record it.")
        terminal.type("y\n")
        terminal.until("y\n")
        came(terminal, gate)
        gate.end(gate.offers[0].id, "contested")
        assert terminal.end() == exits.FAILED
    assert "Two clients came by it" in terminal.text
    assert gate.of(AnswerQuestion) == []


def test_who_comes_again_is_asked_about_with_the_words_of_now(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair", "--for", "sereno") as terminal:
        came(terminal, gate)
        assert "copper   tulip   anchor" in terminal.text
        (question,) = gate.questions
        other = ["ribbon", "cactus", "velvet"]
        gate.questions = [msgspec.structs.replace(question, words=other)]
        gate.changed()
        terminal.until("came again")
        terminal.until("ribbon   cactus   velvet")
        while ASKED not in terminal.text.partition("ribbon")[2]:
            assert terminal._read(), terminal.text
        assert gate.of(AnswerQuestion) == []
        terminal.type("y\n")
        assert terminal.end() == exits.OK
    assert [each.allow for each in gate.of(AnswerQuestion)] == [True]


def test_ctrl_c_closes_the_offer(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        terminal.until("do not post or record it.")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == exits.INTERRUPTED
    assert "nobody was let in" in terminal.text
    assert [each.offer_id for each in gate.of(CloseOffer)] == ["offer-0"]


def test_nobody_came(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        terminal.until("do not post or record it.")
        gate.end("offer-0", "expired")
        assert terminal.end() == exits.TIMEOUT
    assert "nobody used it in ten minutes" in terminal.text


def test_somebody_else_answered(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        came(terminal, gate)
        gate.end("offer-0", None, gate.devices[0].id)
        assert terminal.end() == exits.OK
    assert "Pixel 9 is paired" in terminal.text
    assert gate.of(AnswerQuestion) == []


def test_a_code_is_never_cropped(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair", "--yes", columns=56) as terminal:
        assert terminal.end() == exits.OK
    assert "needs 57 columns, and this terminal has 56" in terminal.text
    assert "█" not in terminal.text
    assert APP_URL in terminal.text


def test_what_a_client_says_of_itself_hides_nothing(gate: Gate, home: Path) -> None:
    with at_terminal(home, "pair") as terminal:
        came(terminal, gate, client_type="mob\u202eile", app_version="1\x1b]52;c;eA==\x07")
        gate.end("offer-0", "closed")
        assert terminal.end() == exits.FAILED
    assert "mob\\u202eile" in terminal.text
    assert "\x1b]52" not in terminal.text


# -- devices and rotation --------------------------------------------------------------------------


def test_devices_are_listed(gate: Gate, sereno: Run) -> None:
    done = sereno("device", "ls")
    assert done.out.splitlines()[0].split() == ["ID", "NAME", "FOR", "MAY", "SEEN", "WAY"]
    assert "00000001  Pixel 9  official app  operator  now" in done.out
    assert "relay, 1 open" in done.out
    listed = json.loads(sereno("device", "ls", "--json").out)
    assert [each["shortId"] for each in listed] == ["00000001", "00000002"]
    assert listed[0]["rights"] == "operator"
    assert sereno("device", "ls", "-q").out.splitlines() == [each.id for each in gate.devices]


def test_no_device(gate: Gate, sereno: Run) -> None:
    gate.devices.clear()
    assert sereno("device", "ls").out == "No device is paired.\n"
    assert sereno("device", "ls", "--json").out == "[]\n"


def test_revoking_one_leaves_the_others(gate: Gate, sereno: Run) -> None:
    done = sereno("device", "revoke", "00000001", "--json")
    assert done.code == exits.OK, done.err
    assert json.loads(done.out)["revoked"] is True
    assert [each.name for each in gate.devices] == ["iPad"]


@pytest.mark.parametrize(
    ("name", "code"), [("0000000", "ambiguous_device"), ("nobody", "unknown_device")]
)
def test_which_device_is_meant(gate: Gate, sereno: Run, name: str, code: str) -> None:
    done = sereno("device", "revoke", "iPad", name, "--json")
    assert done.code == exits.NOT_FOUND
    assert json.loads(done.err)["code"] == code
    assert len(gate.devices) == 2, "nothing is done where one of them is not known"


def test_revoking_asks_on_a_terminal(gate: Gate, home: Path) -> None:
    with at_terminal(home, "device", "revoke", "iPad") as terminal:
        terminal.until("pair again to come back")
        terminal.type("n\n")
        assert terminal.end() == exits.INTERRUPTED
    assert gate.of(RevokeDevice) == []


def test_renaming_and_other_rights(gate: Gate, sereno: Run) -> None:
    assert "Kitchen pad" in sereno("device", "rename", "iPad", "Kitchen", "pad").out
    assert "viewer" in sereno("device", "rights", "Kitchen pad", "viewer").out
    assert gate.devices[1].name == "Kitchen pad"
    assert gate.devices[1].rights == "viewer"
    gate.refusal = ("the name is too long", "Choose another")
    done = sereno("device", "rename", "Pixel 9", "x")
    assert done.code == exits.FAILED
    assert "the name is too long. Choose another." in done.err


def test_rotation_asks_and_says_what_it_did(gate: Gate, sereno: Run, home: Path) -> None:
    with at_terminal(home, "pair", "rotate") as terminal:
        terminal.until("every open offer?")
        assert "Pixel 9 loses its way in." in terminal.text
        terminal.type("n\n")
        assert terminal.end() == exits.INTERRUPTED
    assert gate.of(RotatePairings) == []
    done = sereno("pair", "rotate", "--yes", "--json")
    assert json.loads(done.out) == {"rotated": True, "devices": 2, "offers": 0}
