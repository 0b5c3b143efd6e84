"""The Host matrix: by hand, and against a second reading of the document (C-35, C-36, T21)."""

from __future__ import annotations

import re
import socket
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sereno.core.security.hosts import host_allowed, host_name
from tests.effort import examples

Hostnames = tuple[str, ...] | Literal[True]

ALWAYS = [
    "localhost",
    "LOCALHOST",
    "LocalHost:6767",
    "localhost:1",
    "localhost:8000",
    "localhost:65535",
    "localhost.",
    "localhost.:6767",
    "a.localhost",
    "a.b.localhost:6767",
    "A.LOCALHOST.",
    "127.0.0.1",
    "127.0.0.1:6767",
    "127.0.0.2",
    "192.168.1.5:6767",
    "0.0.0.0:6767",
    "100.64.0.7",
    "[::1]",
    "[::1]:6767",
    "[FD00::1]:6767",
    "[::ffff:127.0.0.1]:6767",
    "[::]",
    "  localhost\t",
]
NEVER = [
    "",
    " ",
    ":",
    ":6767",
    ".",
    "..",
    "localhost..",
    ".localhost",
    "a..localhost",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:99999",
    "localhost:123456",
    "localhost:http",
    "localhost:-1",
    "localhost:+80",
    "localhost:6767:6767",
    "localhost: 6767",
    "localhost:٦٧٦٧",
    "a@localhost",
    "localhost@evil.example",
    "user:pass@localhost",
    "localhost/",
    "localhost/x",
    "localhost?x",
    "localhost#x",
    "localhost\\x",
    "http://localhost",
    "localhost,evil.example",
    "localhost evil.example",
    "localhost\x00",
    "localhost\n",
    "local%68ost",
    "ｌocalhost",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.0.0.01",
    "127.0.0.256",
    "0x7f.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "0x7f000001",
    "a.1",
    "a.0x",
    "1.2.3.4.5",
    "::1",
    "fe80::1",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1]6767",
    "[::1]:",
    "[::1]:0",
    "[::1]:99999",
    "[]",
    "[]:6767",
    "[localhost]",
    "[127.0.0.1]",
    "[fe80::1%eth0]",
    "[fe80::1%25eth0]:6767",
    "[v1.x]",
    "[[::1]]",
    "x" * 64,
    ".".join(["abc"] * 70),
]
STRANGERS = [
    "evil.example",
    "evil-localhost",
    "evillocalhost",
    "localhost.evil.example",
    "a.localhost.evil.com",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "localhost6",
    "example.com",
    "xn--lcalhost-c1a",
]


@pytest.mark.parametrize("header", ALWAYS)
def test_c36_host_matrix_what_always_passes(header: str) -> None:
    assert host_allowed(header, ())
    assert host_allowed(header, (".example.com",))
    assert host_allowed(header, True)


@pytest.mark.parametrize("header", NEVER)
def test_t21_host_matrix_what_is_no_host_never_passes(header: str) -> None:
    assert host_name(header) is None
    assert not host_allowed(header, ())
    assert not host_allowed(header, True)
    assert not host_allowed(header, (header, ".", "", " ", ".localhost", "." + header))


@pytest.mark.parametrize("header", STRANGERS)
def test_c35_strangers_pass_only_where_every_name_does(header: str) -> None:
    assert not host_allowed(header, ())
    assert not host_allowed(header, (".example.org", "elsewhere.example"))
    assert host_allowed(header, True)
    assert host_allowed(header, (header,))


@pytest.mark.parametrize(
    ("pattern", "header", "passes"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com:443", True),
        ("example.com", "example.com.", True),
        ("example.com", "a.example.com", False),
        ("example.com", "badexample.com", False),
        (".example.com", "example.com", True),
        (".example.com", "a.example.com", True),
        (".example.com", "a.b.example.com:6767", True),
        (".example.com", "badexample.com", False),
        (".example.com", "example.com.evil.example", False),
        (" .Example.COM ", "a.example.com", True),
        ("*.example.com", "a.example.com", False),
        ("*", "a.example.com", False),
        (".", "a.example.com", False),
        ("", "a.example.com", False),
        ("  ", "a.example.com", False),
        ("box", "box", True),
        ("my_box", "my_box:6767", True),
        ("a.example.com:6767", "a.example.com:6767", False),
    ],
)
def test_c36_the_three_forms(pattern: str, header: str, passes: bool) -> None:
    assert host_allowed(header, (pattern,)) is passes
    assert host_allowed(header, ("other.example", pattern)) is passes


def test_the_name_without_what_stands_around_it() -> None:
    assert host_name(" Box.Example.com.:6767 ") == "box.example.com"
    assert host_name("[2001:DB8:0::1]:80") == "2001:db8::1"
    assert host_name("10.0.0.1:80") == "10.0.0.1"


# The oracle: written from wire reference 4.5 and row T21, by other means than the code.


def oracle(header: str, hostnames: Hostnames) -> bool:
    text = header.strip(" \t")
    if any(not 33 <= ord(one) <= 126 for one in text):
        return False
    text = text.lower()
    port = re.search(r":([^:\[\]]*)$", text)
    if text.startswith("["):
        name, kind = text[1 : text.find("]")], "six"
        rest = text[text.find("]") + 1 :] if "]" in text else "x"
    else:
        name, kind, rest = text.split(":")[0], "name", text[len(text.split(":")[0]) :]
    if rest:
        if port is None or rest != ":" + port[1] or not re.fullmatch("[0-9]{1,5}", port[1]):
            return False
        if int(port[1]) not in range(1, 65536):
            return False
    if kind == "six":
        return _is(socket.AF_INET6, name)
    if _is(socket.AF_INET, name) and all(str(int(part)) == part for part in name.split(".")):
        return True
    labels = name.split(".")
    if labels[-1] == "" and len(labels) > 1:
        labels.pop()
    last = labels[-1]
    if last.isdigit() or (last[:2] == "0x" and not set(last[2:]) - set("0123456789abcdef")):
        return False
    if any(not 1 <= len(one) <= 63 or set(one) - ALPHABET for one in labels):
        return False
    if len(".".join(labels)) > 253:
        return False
    if hostnames is True or last == "localhost":
        return True
    for pattern in hostnames:
        wanted = pattern.strip().lower().split(".")
        if wanted[0] == "" and len(wanted) > 1 and wanted[1:] != [""]:
            if labels[-len(wanted[1:]) :] == wanted[1:]:
                return True
        elif wanted == labels:
            return True
    return False


ALPHABET = set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def _is(family: socket.AddressFamily, text: str) -> bool:
    try:
        socket.inet_pton(family, text)
    except (OSError, ValueError):
        return False
    return "%" not in text


labels = st.sampled_from(
    [
        "localhost",
        "LOCALHOST",
        "evil",
        "example",
        "com",
        "a",
        "box-1",
        "x_y",
        "",
        "127",
        "0",
        "1",
        "0x7f",
        "0x",
        "256",
        "01",
        "l" * 63,
        "l" * 64,
        "*",
        "é",
        "a b",
        "@",
        "%6c",
    ]
)
names = st.lists(labels, min_size=1, max_size=5).map(".".join)
fours = st.ip_addresses(v=4).map(str)
sixes = st.ip_addresses(v=6).map(str)
bracketed = st.one_of(
    sixes, fours, names, st.sampled_from(["::1%eth0", "::1%25lo", "", "::", "[::1"])
)
hosts = st.one_of(names, fours, sixes, bracketed.map("[{}]".format), st.text(max_size=12))
ports = st.one_of(
    st.just(""),
    st.integers(0, 70000).map(":{}".format),
    st.sampled_from([":", ":x", ":06767", ":000001", ": 1", ":1:1", ":-1", ":٣", "6767", ":6767/"]),
)
around = st.sampled_from(["{}", " {}", "{}\t", "{}.", "a@{}", "http://{}", "{}/", "{}\r\n", "{},b"])
headers = st.builds(lambda host, port, form: form.format(host + port), hosts, ports, around)
patterns = st.one_of(names, names.map(".{}".format), st.sampled_from([".", "", " ", "example.com"]))
settings_of_hostnames = st.one_of(st.just(True), st.lists(patterns, max_size=3).map(tuple))


@settings(max_examples=examples(150))
@given(headers, settings_of_hostnames)
@example("localhost.", ())
@example("127.1", True)
def test_c36_host_matrix_against_an_independent_reading(header: str, hostnames: Hostnames) -> None:
    assert host_allowed(header, hostnames) is oracle(header, hostnames)


@given(st.text(max_size=40))
def test_t21_any_text_has_an_answer_and_a_name_reads_as_itself(header: str) -> None:
    name = host_name(header)
    if name is not None:
        again = f"[{name}]" if ":" in name else name
        assert host_name(again) == name
