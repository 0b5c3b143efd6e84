"""What comes over the wire is sorted as official programs sort it (sections 3.2, 3.3, 3.6)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.relay_client.nacl.frames import READY, Frame, Kind, hello, read, wire
from tests.relay_client import vectors
from tests.relay_client.vectors import CLIENT, HELLO


def test_the_handshake_frames_of_the_reference() -> None:
    assert hello(CLIENT.public) == HELLO
    assert vectors.READY == READY
    assert read(HELLO) == Frame(Kind.HELLO, CLIENT.public)
    assert read(READY) == Frame(Kind.READY)


@pytest.mark.parametrize(
    "text",
    [
        f"  \n{HELLO}\n",
        HELLO.encode(),
        HELLO.replace("=", "\\u003d"),
        HELLO.replace('"type"', '"more":[{"a":null}],"type"'),
    ],
)
def test_hellos_that_are_taken(text: str | bytes) -> None:
    assert read(text) == Frame(Kind.HELLO, CLIENT.public)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type":"e2ee_hello"}', Kind.BAD_HELLO),
        ('{"type":"e2ee_hello","key":null}', Kind.BAD_HELLO),
        ('{"type":"e2ee_hello","key":5}', Kind.BAD_HELLO),
        ('{"type":"e2ee_hello","key":" "}', Kind.BAD_HELLO),
        (HELLO.replace("=", ""), Kind.BAD_HELLO),
        (HELLO.replace("iDGG", " iDG"), Kind.BAD_HELLO),
        (HELLO.replace("e2ee_hello", "hello"), Kind.PLAIN),
        ('{"type":"ping"}', Kind.PLAIN),
        ('{"type":5}', Kind.PLAIN),
        ("{", Kind.PLAIN),
        ('{"a":' * 20_000, Kind.PLAIN),
        ('{"type":"e2ee_ready","x":"' + "a" * 70_000 + '"}', Kind.PLAIN),
        ('{"type":"e2ee_ready","x":"\ud800"}', Kind.PLAIN),
        (b"\xff\xfe", Kind.GARBAGE),
        ("[1]", Kind.GARBAGE),
        ("A===A", Kind.GARBAGE),
        ("AAA\nAAAA", Kind.GARBAGE),
        ("é", Kind.GARBAGE),
        ("A", Kind.GARBAGE),
        ("", Kind.SEALED),
        ("AAAA", Kind.SEALED),
    ],
)
def test_the_other_kinds(text: str | bytes, kind: Kind) -> None:
    assert read(text).kind is kind


@given(st.binary(max_size=100))
def test_a_bundle_is_read_in_all_its_forms(bundle: bytes) -> None:
    text = wire(bundle)
    assert text == base64.b64encode(bundle).decode()
    forms = [text, text.rstrip("="), f" {text}\n", text.replace("+", "-").replace("/", "_")]
    for form in forms:
        assert read(form) == Frame(Kind.SEALED, bundle)
        assert read(form.encode()) == Frame(Kind.SEALED, bundle)


@given(st.text(max_size=60) | st.binary(max_size=60) | st.text('{}"type:e2_hlo', max_size=30))
def test_nothing_breaks_the_reader(frame: str | bytes) -> None:
    assert isinstance(read(frame), Frame)
