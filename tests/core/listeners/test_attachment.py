"""The head of a file's answer: no name breaks it, and other people's readers get the name."""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.listeners.attachment import as_attachment, disposition

CASES = [
    ("a.txt", 'attachment; filename="a.txt"'),
    ("with space (1).tar.gz", 'attachment; filename="with space (1).tar.gz"'),
    ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
    ("ü.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt"),
    ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ("a\r\nX: y", "attachment; filename=\"a__X_ y\"; filename*=UTF-8''a__X%3A%20y"),
    ("../../x", 'attachment; filename="_.._x"'),
    ("..", 'attachment; filename="file"'),
    ("", 'attachment; filename="file"'),
    ("a\u202etxt.exe", 'attachment; filename="a_txt.exe"'),
    ("a\udce9", 'attachment; filename="a_"'),
]


@pytest.mark.parametrize(("name", "header"), CASES)
def test_names(name: str, header: str) -> None:
    assert disposition(name) == header


@given(st.text(max_size=300))
def test_t70_no_name_breaks_the_header_or_names_another_folder(name: str) -> None:
    """Read back by the standard library's mail parser, which knows both forms of the name."""
    told = disposition(name)
    assert told.isascii()
    assert told.isprintable()
    assert re.fullmatch(
        r"""attachment; filename="[^"\\/%]+"(; filename\*=UTF-8''[^ "/;]+)?""", told
    )
    message = email.message_from_string(
        f"Content-Disposition: {told}\n\n", policy=email.policy.default
    )
    assert message.get_content_disposition() == "attachment"
    read = message.get_filename()
    assert read
    assert read not in (".", "..")
    assert not re.search(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]", read)


def test_a_file_is_saved_and_never_shown_or_kept() -> None:
    head = as_attachment("page.html", "text/html", 5, [("Vary", "Origin")])
    assert head.headers["Content-Type"] == "text/html; charset=utf-8"
    assert head.headers["Content-Length"] == "5"
    assert head.headers["X-Content-Type-Options"] == "nosniff"
    assert head.headers["Cache-Control"] == "no-store"
    assert head.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert head.headers["Referrer-Policy"] == "no-referrer"
    assert head.headers["Connection"] == "close"
    assert head.headers["Vary"] == "Origin"
    assert as_attachment("x", "a/b\r\nX: y", 0).headers["Content-Type"] == (
        "application/octet-stream"
    )
