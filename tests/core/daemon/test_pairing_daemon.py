"""Pairings in a real daemon: which end keeps an offer, and what a pairing opens besides."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.daemon import control
from sereno.core.daemon.parts import now_ms
from sereno.core.home import Home, prepare
from sereno.core.home import pairings as files
from sereno.core.protocol.pairing import (
    OfferPairing,
    OfferPairingResult,
    PairingState,
    ReadPairing,
    ReadPairingResult,
    RevokeDevice,
)
from tests.core.daemon.daemon_house import daemon, launched, pid_of, tidy, until
from tests.core.daemon.net import get, port_of
from tests.core.daemon.pairing_house import house

NOWHERE = "ws://127.0.0.1:1"
"""A relay that nobody answers at."""
ENV = {"SERENO_LISTEN": "", "SERENO_RELAY_ENDPOINT": NOWHERE}
HOSTED = "https://app.paseo.sh"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with tidy(Home(tmp_path / "home")) as made:
        prepare(made)
        made.config.write_text(
            '[daemon]\nlisten = ["127.0.0.1:0"]\n[daemon.relay]\nenabled = true\n'
        )
        made.config.chmod(0o600)
        yield made


def state(home: Home) -> PairingState:
    with SyncClient.open(home) as owner:
        found = owner.request(ReadPairing(request_id=""))
    assert isinstance(found, ReadPairingResult)
    return found.state


def offer(home: Home) -> str:
    with SyncClient.open(home) as owner:
        made = owner.request(OfferPairing(request_id="", kind="app"))
    assert isinstance(made, OfferPairingResult)
    assert made.offer is not None, made.error
    return made.offer.id


def ends(home: Home) -> dict[str, str | None]:
    return {one.id: one.ended for one in state(home).offers}


@pytest.mark.linux
def test_c27_a_crash_keeps_an_offer_and_a_restart_by_a_person_ends_it(home: Home) -> None:
    with daemon(home, ENV) as process:
        kept = offer(home)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with daemon(home, ENV) as process:
        assert ends(home) == {kept: None}
        assert len(list(files.folder(home).iterdir())) == 1
        before = control.status(home).started_at
        control.restart(home)
        until(lambda: control.status(home).started_at not in ("", before), "the next daemon")
        until(lambda: control.status(home).answers, "its answer")
        assert ends(home) == {kept: "restarted"}
        assert list(files.folder(home).iterdir()) == []
        offer(home)
        assert len(list(files.folder(home).iterdir())) == 1
        os.kill(pid_of(home), signal.SIGTERM)
        process.wait(10)
    assert list(files.folder(home).iterdir()) == [], "stopped by a person is a restart, too"


@pytest.mark.linux
async def test_c14_a_daemon_with_a_damaged_key_does_not_start_and_makes_no_other(
    home: Home,
) -> None:
    await _pair(home)
    (path,) = files.folder(home).iterdir()
    path.write_bytes(b"{}")
    with launched(home, ENV) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert str(path) in said
    assert f"rm {path}" in said
    assert path.read_bytes() == b"{}"


async def _pair(home: Home) -> None:
    async with house(home.root, clock=[now_ms()]) as opened:
        await opened.pair("cid_phone")


@pytest.mark.linux
async def test_c38_the_hosted_app_is_let_in_while_a_phone_is_paired_and_no_longer(
    home: Home,
) -> None:
    await _pair(home)
    with daemon(home, ENV):
        port = port_of(home)
        assert get(port, Origin=HOSTED)[0] == 200
        assert get(port, Origin="https://app.paseo.example")[0] == 403
        (device,) = state(home).devices
        with SyncClient.open(home) as owner:
            owner.request(RevokeDevice(request_id="", device_id=device.id))
        assert get(port, Origin=HOSTED)[0] == 403
