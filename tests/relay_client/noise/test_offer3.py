"""Our own link: it fits the small code, and every wrong form is told in words (C-15, C-26, T16)."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client import endpoints
from sereno.relay_client.noise.offer3 import LinkRefused, Offer3, Why, qr_segments
from sereno.relay_client.server_ids import make_server_id
from tests.relay_client.vectors import DAEMON, LOW_ORDER, OFFER_URL

OFFER = Offer3("srv_AAECAwQFBgcI", DAEMON.public, bytes(range(16)), 1_800_000_000)
LINK = OFFER.link()
DIGITS = LINK.partition("#")[2]


def number_of(body: bytes) -> str:
    check = hashlib.sha256(body).digest()[:2]
    return f"sereno://pair#{int.from_bytes(body + check, 'big')}"


BODY = int(DIGITS).to_bytes(64, "big")[:-2]


def test_c15_the_bytes_are_as_the_format_says() -> None:
    expiry = (1_800_000_000).to_bytes(4, "big")
    body = b"\x30" + DAEMON.public + bytes(range(16)) + expiry + bytes(range(9))
    assert body == BODY
    assert number_of(body) == LINK
    assert len(LINK) == 14 + 154


@pytest.mark.parametrize(
    "text",
    [
        LINK,
        LINK.upper(),
        f"\n {LINK}\n",
        f"Type this: {LINK}",
        LINK[:60] + "\n    " + LINK[60:120] + " \r\n" + LINK[120:],
    ],
)
def test_c15_forms_that_are_taken(text: str) -> None:
    assert Offer3.parse(text) == OFFER


def test_a_reader_takes_the_small_code() -> None:
    """33 modules, and 2 of margin: 37 x 19 cells of a terminal."""
    parts = qr_segments(LINK)
    code = segno.make(parts, error="l", boost_error=False, micro=False)  # type: ignore[arg-type]
    assert code.designator == "4-L"
    rows = [bytes(255 * (not dark) for dark in row) for row in code.matrix_iter(4, 2)]
    pixels = memoryview(b"".join(rows)).cast("B", (len(rows), len(rows[0])))
    [read] = zxingcpp.read_barcodes(pixels)
    assert Offer3.parse(read.text) == OFFER
    assert qr_segments(OFFER_URL) == [OFFER_URL]


@given(st.binary(min_size=9, max_size=9), st.binary(min_size=16, max_size=16), st.integers(0, 9))
def test_whatever_is_drawn_fits_the_small_code(drawn: bytes, secret: bytes, key: int) -> None:
    """The lengths do not depend upon what was drawn: the first byte is never zero."""
    public = bytes([255 - key]) * 32
    offer = Offer3(make_server_id(drawn), public, secret, 2**32 - 1)
    assert len(offer.link()) == len(LINK)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", Why.NO_OFFER),
        ("localhost:6767", Why.NO_OFFER),
        ("sereno://pair", Why.NO_OFFER),
        ("sereno://pair#", Why.NO_OFFER),
        ("sereno://pair# \n", Why.NO_OFFER),
        (OFFER_URL, Why.VERSION),
        (LINK[:-1], Why.DAMAGED),
        (LINK + "1", Why.DAMAGED),
        (LINK[:50] + LINK[51:], Why.DAMAGED),
        (LINK[:50] + "x" + LINK[51:], Why.DAMAGED),
        (LINK[:50] + "٣" + LINK[51:], Why.DAMAGED),
        (LINK.replace("#", "#0"), Why.DAMAGED),
        (LINK.replace("#", "#-"), Why.DAMAGED),
        (f"sereno://pair#{'9' * 5_000}", Why.DAMAGED),
        ("sereno://pair#1", Why.DAMAGED),
        (number_of(b"\x20" + BODY[1:]), Why.VERSION),
        (number_of(b"\x40" + b"quite another format"), Why.VERSION),
        (number_of(b"\x30"), Why.FIELD),
        (number_of(BODY[:-1]), Why.FIELD),
        (number_of(BODY + b"1"), Why.FIELD),
        (number_of(b"\x32" + BODY[1:]), Why.FIELD),
        (number_of(b"\x31" + BODY[1:]), Why.FIELD),
        (number_of(b"\x31" + BODY[1:] + b"host"), Why.FIELD),
        (number_of(b"\x31" + BODY[1:] + b"ws://host:1"), Why.FIELD),
        (number_of(b"\x31" + BODY[1:] + b"h\xffst:1"), Why.FIELD),
        (number_of(b"\x34" + BODY[1:53] + b"\x00"), Why.FIELD),
        (number_of(b"\x34" + BODY[1:53] + b"\x03a\nb"), Why.FIELD),
        (number_of(b"\x34" + BODY[1:53] + b"\x01\xff\xff"), Why.FIELD),
        (number_of(b"\x30" + LOW_ORDER[2] + BODY[33:]), Why.FIELD),
    ],
)
def test_what_is_no_offer_says_why_and_what_to_do(text: str, why: Why) -> None:
    with pytest.raises(LinkRefused) as caught:
        Offer3.parse(text)
    assert caught.value.why is why
    assert caught.value.code == why.value
    assert caught.value.message.endswith(".")
    assert caught.value.next_step.endswith(".")


def test_every_wrong_digit_of_this_link_is_noticed() -> None:
    """Of any link all but one of 65,536: the check has two bytes."""
    for at, digit in enumerate(DIGITS):
        for by in range(1, 10):
            wrong = DIGITS[:at] + str((int(digit) + by) % 10) + DIGITS[at + 1 :]
            with pytest.raises(LinkRefused):
                Offer3.parse(f"sereno://pair#{wrong}")


@pytest.mark.parametrize(
    ("late", "words"),
    [(0, "just now"), (59, "just now"), (60, "1 min ago"), (7_200, "2 h ago"), (7_199, "119 min")],
)
def test_expiry_by_a_clock_that_is_given(late: int, words: str) -> None:
    OFFER.check(OFFER.expires_at - 0.1)
    with pytest.raises(LinkRefused, match=words) as caught:
        OFFER.check(OFFER.expires_at + late)
    assert caught.value.why is Why.EXPIRED
    assert "clock" in caught.value.message


def test_c26_neither_error_nor_repr_holds_a_secret() -> None:
    assert repr(OFFER.secret) not in repr(OFFER)
    assert repr(OFFER.public_key) not in repr(OFFER)
    with pytest.raises(LinkRefused) as caught:
        Offer3.parse(LINK[:-1])
    assert DIGITS[:20] not in str(caught.value)


@given(st.text(max_size=80) | st.integers(0, 10**200).map(str) | st.binary(max_size=90))
def test_no_text_breaks_the_parser(text: str | bytes) -> None:
    link = number_of(b"\x3f" + text) if isinstance(text, bytes) else f"sereno://pair#{text}"
    with pytest.raises(LinkRefused):
        Offer3.parse(link)


@given(
    st.binary(min_size=32, max_size=32).map(lambda secret: type(DAEMON).of(secret).public),
    st.text(min_size=1, max_size=30).filter(
        lambda text: text.isprintable() and text == text.strip()
    )
    | st.binary(min_size=9, max_size=9).map(make_server_id)
    | st.sampled_from(["srv_", "srv_short", "srv_AAECAwQFBgcI=", "AAECAwQFBgcI"]),
    st.sampled_from(["a.example:1", "wss://a.example:443", "[::1]:80", "relay.paseo.sh:443"]),
    st.binary(min_size=16, max_size=16) | st.binary(min_size=32, max_size=32),
    st.integers(0, 2**32 - 1),
)
def test_an_offer_comes_back(
    public_key: bytes, server_id: str, endpoint: str, secret: bytes, expires_at: int
) -> None:
    offer = Offer3(server_id, public_key, secret, expires_at, endpoints.parse_endpoint(endpoint))
    assert Offer3.parse(offer.link()) == offer


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": b"short"},
        {"public_key": b"short"},
        {"expires_at": -1},
        {"expires_at": 2**32},
        {"server_id": "é" * 128},
    ],
)
def test_what_cannot_be_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(OFFER, **changes).link()  # type: ignore[arg-type]
