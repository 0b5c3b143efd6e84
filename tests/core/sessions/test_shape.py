"""T32: keys that stand twice, too many values, numbers without end; and nothing else is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.protocol.frames import BadFrame, decode_client_frame
from sereno.core.sessions import shape
from sereno.core.sessions.shape import LONGEST_SCALAR, MOST_MARKS, misshapen

TEXTS = st.text(alphabet='ab"\\{}[]:, ü\n', max_size=6)
# Objects as lists of pairs, so that a key can stand twice.
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(-9, 9) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(TEXTS, inner), max_size=4).map(lambda pairs: ("object", pairs))
    ),
    max_leaves=25,
)


def written(value: Any, *, ascii_only: bool) -> str:
    match value:
        case ("object", pairs):
            keys = [json.dumps(key, ensure_ascii=ascii_only) for key, _ in pairs]
            values = [written(one, ascii_only=ascii_only) for _, one in pairs]
            both = zip(keys, values, strict=True)
            return "{" + ",".join(f"{key} : {one}" for key, one in both) + "}"
        case list():
            return "[" + " , ".join(written(one, ascii_only=ascii_only) for one in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=ascii_only)


def has_twice(value: Any) -> bool:
    match value:
        case ("object", pairs):
            keys = [key for key, _ in pairs]
            return len(set(keys)) < len(keys) or any(has_twice(one) for _, one in pairs)
        case list():
            return any(has_twice(one) for one in value)
        case _:
            return False


@given(VALUES, st.booleans())
def test_t32_a_key_twice_is_found_and_nothing_else(value: Any, ascii_only: bool) -> None:
    data = written(value, ascii_only=ascii_only).encode()
    wanted = shape._TWICE if has_twice(value) else None
    assert shape._of_small(data) == shape._of_large(data) == wanted


@given(st.binary(max_size=200) | TEXTS.map(str.encode))
def test_any_bytes_are_judged_in_both_ways(data: bytes) -> None:
    assert shape._of_small(data) in (None, shape._TWICE, shape._NO_TEXT)
    assert shape._of_large(data) in (None, shape._TWICE)


@pytest.mark.parametrize("key", ['"a"', '"\\u0061"'])
@pytest.mark.parametrize("padding", [0, 20_000])
def test_t32_one_key_in_two_spellings_is_one_key(key: str, padding: int) -> None:
    text = f'{{"x":"{"y" * padding}","a":1,{key}:2}}'
    assert misshapen(text.encode()) == "a key that stands twice in one object"


@pytest.mark.parametrize("more", [b'"\xff":1', b'"x":"\xff"', b'"x":"\xed\xa0\x80"'])
def test_t32_bytes_that_are_no_text_do_not_hide_a_key_that_stands_twice(more: bytes) -> None:
    """The decoder skips what nobody reads, whatever is in it."""
    data = b'{"type":"ping","a":1,"a":2,' + more + b"}"
    assert decode_client_frame(data) is not None
    assert misshapen(data) == "bytes that are no UTF-8"
    padded = b'{"b":"' + b"y" * 20_000 + b'",' + data[1:]
    assert misshapen(padded) == "a key that stands twice in one object"


def test_t32_a_huge_array_is_refused_before_it_is_built() -> None:
    data = b"[" + b"{}," * 3_000_000 + b"{}]"
    before = time.thread_time()
    assert misshapen(data) == f"more than {MOST_MARKS} values"
    assert time.thread_time() - before < 1


def test_t32_a_number_without_end_is_not_read() -> None:
    words = "a number or a blank that does not end"
    assert misshapen(b'{"x":' + b"1" * 5_000_000 + b"}") == words
    assert misshapen(b'{"x":1' + b" " * 20_000 + b"}") == words
    assert misshapen(b'{"x":' + b"1" * (LONGEST_SCALAR - 100) + b"}") is None


def test_a_large_prompt_and_a_picture_pass() -> None:
    text = json.dumps({"text": 'say "hello", [[[{{{ \\ \n' * 50_000, "image": "A" * 5_000_000})
    assert misshapen(text.encode()) is None


STRANGE = [b"NaN", b"Infinity", b"1e999", b'"\\ud800"', b'"\\udc00a"', b'"\xff"', b'"\xed\xa0\x80"']


@pytest.mark.parametrize("value", [*STRANGE, b"1" + b"0" * 10_000])
def test_t32_what_python_would_take_and_json_does_not_know_is_refused(value: bytes) -> None:
    data = (
        b'{"type":"hello","clientId":"c","clientType":"cli","protocolVersion":1,"capabilities":'
        + b'{"x":'
        + value
        + b"}}"
    )
    assert misshapen(data) in (None, shape._NO_TEXT)  # the decoder says it
    with pytest.raises(BadFrame):
        decode_client_frame(data)
