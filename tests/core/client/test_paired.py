"""What a home keeps of a daemon behind a relay: which secret is shown when, and damaged files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sereno.core.client.errors import ClientError
from sereno.core.client.paired import PairedHost
from sereno.core.home import Home, hosts
from sereno.relay_client.endpoints import parse_endpoint
from sereno.relay_client.keypair import KeyPair
from sereno.relay_client.noise.offer3 import Offer3
from sereno.relay_client.noise.proofs import DeviceSecret, OfferSecret

NOW = 1_777_000_000
PAIR = KeyPair.of(bytes(range(32)))
OFFER = Offer3("srv_AAECAwQFBgcI", PAIR.public, b"s" * 16, NOW + 600)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def new(home: Home, offer: Offer3 = OFFER, now: float = NOW) -> PairedHost:
    return PairedHost.of_link(home, offer.link(), now)


def test_it_is_kept_before_anybody_is_called(home: Home) -> None:
    host = new(home)
    path = hosts.path_of(home, host.server_id)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = PairedHost.of_id(home, host.server_id)
    assert (again.daemon_key, again.own_key) == (PAIR.public, host.own_key)
    assert again.is_new
    assert again.proofs == [OfferSecret(b"s" * 16)]
    assert len(host.own_key) == 32


def test_each_daemon_gets_a_key_of_its_own(home: Home) -> None:
    other = Offer3("srv_AAECAwQFBgcJ", PAIR.public, b"s" * 16, NOW + 600)
    assert new(home).own_key != new(home, other).own_key


def test_t04_every_secret_is_tried_until_one_has_let_us_in_and_then_that_alone(home: Home) -> None:
    host = new(home)
    for number in range(6):
        host.greeted(bytes([number]) * 32)
    tried = [DeviceSecret(bytes([number]) * 32) for number in (5, 4, 3, 2)]
    assert PairedHost.of_id(home, host.server_id).proofs == [*tried, OfferSecret(b"s" * 16)]
    host.let_in(b"\x03" * 32)
    known = PairedHost.of_id(home, host.server_id)
    assert known.proofs == [DeviceSecret(b"\x03" * 32)]
    assert not known.is_new
    known.let_in(b"\x04" * 32)
    assert known.proofs == [DeviceSecret(b"\x03" * 32)], "it was let in before, and by that"


def test_the_link_of_a_known_daemon_leads_to_what_is_known(home: Home) -> None:
    host = new(home)
    host.greeted(b"d" * 32)
    host.let_in(b"d" * 32)
    again = new(home, now=NOW + 100_000)
    assert again.proofs == [DeviceSecret(b"d" * 32)], "an expired link is no matter then"
    assert PairedHost.of_target(home, OFFER.link(), NOW).own_key == host.own_key
    assert PairedHost.of_target(home, f"sereno://{host.server_id}", NOW).own_key == host.own_key


def test_which_relay_is_dialled_stands_in_the_link(home: Home) -> None:
    for at in ("ws://relay.example:80", "wss://[::1]:443"):
        endpoint = parse_endpoint(at)
        offer = Offer3(f"srv_{os.urandom(4).hex()}", PAIR.public, b"s" * 16, NOW + 600, endpoint)
        host = new(home, offer)
        assert PairedHost.of_id(home, host.server_id).endpoint == endpoint


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (f"{OFFER.link()}1", "offer_damaged"),
        ("sereno://pair#", "not_an_offer"),
        ("https://app.paseo.sh/#offer=abc", "offer_version"),
        ("sereno://srv_nobody", "not_paired"),
        ("sereno://../../etc", "bad_target"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(home: Home, link: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        PairedHost.of_target(home, link, NOW)
    assert refused.value.code == code
    assert refused.value.next_step or code == "bad_target"
    assert not (home.root / "hosts").exists()


def test_c51_an_expired_link_is_refused_before_anybody_is_called(home: Home) -> None:
    with pytest.raises(ClientError) as refused:
        new(home, now=NOW + 601)
    assert refused.value.code == "offer_expired"
    assert not (home.root / "hosts").exists()


def test_t20_a_folder_that_others_could_change_is_refused(home: Home) -> None:
    host = new(home)
    folder = hosts.path_of(home, host.server_id).parent
    folder.chmod(0o777)
    with pytest.raises(ClientError) as refused:
        PairedHost.of_id(home, host.server_id)
    assert refused.value.code == "too_open"
    folder.chmod(0o700)
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))
    for link in (f"sereno://{host.server_id}", OFFER.link()):
        with pytest.raises(ClientError) as refused:
            PairedHost.of_target(home, link, NOW)
        assert refused.value.code == "symlink"


@pytest.mark.parametrize("data", [b"", b"{}", b"nonsense", b'{"v":2}', b"\xff\xfe"])
def test_c14_a_damaged_record_is_refused_and_never_made_anew(home: Home, data: bytes) -> None:
    host = new(home)
    path = hosts.path_of(home, host.server_id)
    path.write_bytes(data)
    for link in (f"sereno://{host.server_id}", OFFER.link()):
        with pytest.raises(ClientError) as refused:
            PairedHost.of_target(home, link, NOW)
        assert refused.value.code == "damaged_keys"
        assert "rm " in refused.value.next_step
    assert path.read_bytes() == data


def test_secrets_are_not_shown(home: Home) -> None:
    host = new(home)
    assert "own" not in repr(host._record)
    assert repr(host._record) == "Paired(srv_AAECAwQFBgcI)"


def test_two_programs_that_came_by_one_link_lose_no_secret(home: Home) -> None:
    """The UI and a command at the same time: the daemon knows the secret of one of them only."""
    one, other = new(home), new(home)
    one.greeted(b"\1" * 32)
    other.greeted(b"\2" * 32)
    kept = PairedHost.of_id(home, one.server_id).proofs
    assert kept == [
        DeviceSecret(b"\2" * 32),
        DeviceSecret(b"\1" * 32),
        OfferSecret(b"s" * 16),
    ]
    one.let_in(b"\1" * 32)
    other.greeted(b"\3" * 32)
    assert PairedHost.of_id(home, one.server_id).proofs == [DeviceSecret(b"\1" * 32)]
    assert other.proofs == [DeviceSecret(b"\1" * 32)]
