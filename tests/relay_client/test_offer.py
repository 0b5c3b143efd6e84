"""The offer and its link, to the byte; and every wrong form in words (C-15, C-26)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client import endpoints
from sereno.relay_client.offer import NotAnOffer, Offer, Why
from tests.relay_client.vectors import DAEMON, LOW_ORDER, OFFER_JSON, OFFER_URL

OFFER = Offer("srv_AAECAwQFBgcI", DAEMON.public, endpoints.DEFAULT)


def test_c15_the_vector_of_the_reference() -> None:
    assert OFFER.document() == OFFER_JSON
    assert OFFER.url() == OFFER_URL
    assert Offer.parse(OFFER_URL) == OFFER


def test_another_app_with_and_without_a_slash() -> None:
    assert OFFER.url("http://app.example/x/").startswith("http://app.example/x/#offer=")
    assert OFFER.url("http://app.example/x").startswith("http://app.example/x/#offer=")


def link(document: bytes) -> str:
    return "paseo://pair#offer=" + base64.urlsafe_b64encode(document).decode()


def changed(**fields: Any) -> str:
    return link(json.dumps(json.loads(OFFER_JSON) | fields).encode())


@pytest.mark.parametrize(
    "text",
    [
        f"  {OFFER_URL}\n",
        OFFER_URL.replace("https://app.paseo.sh/", "anything at all "),
        OFFER_URL.replace("#offer=", "#offer=  "),
        link(OFFER_JSON),
        link(OFFER_JSON).rstrip("="),
        changed(more={"a": [1]}),
    ],
)
def test_c15_forms_that_are_taken(text: str) -> None:
    assert Offer.parse(text) == OFFER


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", Why.NO_OFFER),
        ("localhost:6767", Why.NO_OFFER),
        ("tcp://host:6767", Why.NO_OFFER),
        ("https://app.paseo.sh/#offer=", Why.NO_OFFER),
        ("https://app.paseo.sh/#offer=  ", Why.NO_OFFER),
        ("https://app.paseo.sh/?offer=eyJ2", Why.NO_OFFER),
        (OFFER_URL[:-3], Why.DAMAGED),
        (OFFER_URL[:80] + " " + OFFER_URL[80:], Why.DAMAGED),
        (OFFER_URL + "é", Why.DAMAGED),
        ("#offer=" + "A" * 5_000, Why.DAMAGED),
        (link(b'{"v":2,"serverId":"\xff"}'), Why.DAMAGED),
        (link(b"[" * 2_900), Why.DAMAGED),
        (link(b"null"), Why.FIELD),
        (link(b"{}"), Why.FIELD),
        (changed(v=True), Why.FIELD),
        (changed(v="2"), Why.FIELD),
        (changed(v=1), Why.VERSION),
        (changed(v=3), Why.VERSION),
        (link(b'{"v":3,"sid":"x"}'), Why.VERSION),
        (changed(serverId=None), Why.FIELD),
        (changed(serverId=""), Why.FIELD),
        (changed(serverId="a\nb"), Why.FIELD),
        (changed(daemonPublicKeyB64="AAAA"), Why.FIELD),
        (changed(daemonPublicKeyB64=base64.b64encode(LOW_ORDER[2]).decode()), Why.FIELD),
        (changed(relay=None), Why.FIELD),
        (changed(relay={}), Why.FIELD),
        (changed(relay={"endpoint": "relay.paseo.sh"}), Why.FIELD),
        (changed(relay={"endpoint": "wss://relay.paseo.sh:443"}), Why.FIELD),
    ],
)
def test_what_is_no_offer_says_why_and_what_to_do(text: str, why: Why) -> None:
    with pytest.raises(NotAnOffer) as caught:
        Offer.parse(text)
    assert caught.value.why is why
    assert caught.value.message.endswith(".")
    assert caught.value.next_step.endswith(".")


def test_c26_neither_error_nor_repr_holds_the_key() -> None:
    assert "B6N8" not in repr(OFFER)
    assert repr(DAEMON.public) not in repr(OFFER)
    with pytest.raises(NotAnOffer) as caught:
        Offer.parse(changed(relay={"endpoint": ""}))
    assert "B6N8" not in str(caught.value)


@given(st.text(max_size=80) | st.binary(max_size=80).map(link))
def test_no_text_breaks_the_parser(text: str) -> None:
    with pytest.raises(NotAnOffer):
        Offer.parse(f"#offer={text}")


@given(
    st.binary(min_size=32, max_size=32).map(lambda secret: type(DAEMON).of(secret).public),
    st.text(min_size=1, max_size=30).filter(
        lambda text: text.isprintable() and text == text.strip()
    ),
    st.sampled_from(["a.example:1", "[::1]:80", "relay.paseo.sh:443"]),
)
def test_an_offer_comes_back(public_key: bytes, server_id: str, endpoint: str) -> None:
    offer = Offer(server_id, public_key, endpoints.parse_public_endpoint(endpoint))
    assert Offer.parse(offer.url()) == offer
