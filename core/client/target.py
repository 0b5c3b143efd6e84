"""Which daemon a person means: `--host`, `SERENO_HOST` (wire reference 4.7). Pure.

Text in, a Target out, or the reason in words; nothing is looked up and no file is read. What the
text holds of a secret is never repeated in an error.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from sereno.core.client.errors import ClientError

__all__ = ["BadTarget", "Target", "parse_target"]

FORMS = (
    "Write it as HOST:PORT, tcp://HOST:PORT?ssl=true, unix:///PATH or as a link or code of "
    "`sereno pair`"
)
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_CODE = re.compile(r"[0-9]{5}([\s-]+[a-z]+)+", re.ASCII | re.IGNORECASE)
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,32}")
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class BadTarget(ClientError):
    """What was given names no daemon. Code: bad_target."""

    def __init__(self, message: str, next_step: str = FORMS) -> None:
        super().__init__("bad_target", message, next_step)


@dataclass(frozen=True)
class Target:
    """One daemon, and what is shown to it. `path` for a unix socket, else `host` and `port`.

    `host`: without brackets, in ASCII, with its zone (`fe80::1%eth0`). `secret`: password or token.
    `ca_file`: certificates to trust instead of the system's. `secret_in_url`: it came with the
    text, so that it stands in a shell's history. `link`: a pairing link, or what stands for a
    daemon that was paired already, `sereno://ID`; which relay leads there its reader finds out.
    `code`: a code of `sereno pair` that was typed, `48291-copper-tulip-anchor`, to be exchanged for
    a link once (core/client/typed_code.py).
    """

    path: str = ""
    host: str = ""
    port: int = 0
    tls: bool = False
    secret: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    secret_in_url: bool = False
    link: str = field(default="", repr=False)
    code: str = field(default="", repr=False)

    @property
    def relayed(self) -> bool:
        """Whether it is reached through a relay: by a key of its own, not by password or token."""
        return bool(self.link or self.code)

    @property
    def local(self) -> bool:
        """Whether it is a unix socket: then the daemon is on this machine, and its folders too."""
        return bool(self.path)

    @property
    def name(self) -> str:
        """How words for people call it; never with a secret."""
        if self.code:
            return "the daemon of this code"
        if self.link:
            return "the daemon of this link" if "#" in self.link else self.link
        return self.path or f"{_bracketed(self.host)}:{self.port}"

    @property
    def host_header(self) -> str:
        """RFC 9110 7.2: without the zone, which means something on this machine only."""
        return f"{_bracketed(self.host.split('%', 1)[0])}:{self.port}"

    @property
    def server_name(self) -> str:
        """What the certificate must be made out to."""
        return self.host.split("%", 1)[0].rstrip(".")

    @property
    def loopback(self) -> bool:
        """Whether nothing that is sent leaves this machine, by its name."""
        name = self.server_name.lower()
        if name == "localhost" or name.endswith(".localhost") or self.local:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def parse_target(text: str) -> Target:
    """The daemon that `text` names. Raises BadTarget."""
    text = text.strip()
    if not text:
        raise BadTarget("no host was given")
    if _CODE.fullmatch(text):
        return Target(code=text)  # Its words are looked up where it is used.
    if any(ord(one) <= 32 or ord(one) == 127 for one in text):
        raise BadTarget("a host holds no blanks and no control characters")
    scheme, found, rest = text.partition("://")
    if not found:
        if text.startswith(("/", "~")):
            raise BadTarget("a path alone is no host", f"Write it as unix://{_shown_path(text)}")
        return _tcp(*_split(text))
    match scheme.lower():
        case "tcp":
            return _tcp(*_split(rest))
        case "unix":
            return _unix(rest)
        case "sereno":
            return _link(text, rest)
        case "http" | "ws":
            raise BadTarget(f"{scheme}:// is not how a daemon is named", _instead(rest, ""))
        case "https" | "wss":
            if "#offer=" in rest:
                raise BadTarget(
                    "this is a pairing offer, which leads through a relay",
                    "It is for the apps. For this program: `sereno pair --for sereno` there",
                )
            raise BadTarget(
                f"{scheme}:// is not how a daemon is named", _instead(rest, "?ssl=true")
            )
        case _:
            raise BadTarget("a host begins with tcp://, unix:// or sereno://, or with none of them")


def _link(text: str, rest: str) -> Target:
    """What it holds is read where it is used: that takes cryptography to load."""
    if rest.lower().startswith("pair#") or _ID.fullmatch(rest):
        return Target(link=text)
    raise BadTarget(
        "behind sereno:// stands the id of a daemon, or pair# and digits",
        "Copy the whole link that `sereno pair --for sereno` shows",
    )


def _split(rest: str) -> tuple[str, str]:
    """Authority and query, as RFC 3986 parts them."""
    front, _, query = rest.partition("?")
    authority, _, path = front.partition("/")
    if path not in ("", "ws") or "#" in rest:
        raise BadTarget("nothing but the port and ?ssl=true stands behind a host")
    return authority, query


def _tcp(authority: str, query: str) -> Target:
    if "@" in authority:
        raise BadTarget(
            "a host has no user name", "Give the password by SERENO_PASSWORD or --password-file"
        )
    host, port = _host_and_port(authority)
    tls, secret = False, None
    for word in query.split("&") if query else ():
        key, _, value = word.partition("=")
        value = unquote(value)  # A plus stays one: no password of a daemon holds a blank.
        if key == "ssl" and value.lower() in (*_YES, *_NO):
            tls = value.lower() in _YES
        elif key == "password" and value and secret is None:
            secret = value
        else:
            raise BadTarget("behind the ? stand ssl=true and nothing else")
    return Target(host=host, port=port, tls=tls, secret=secret, secret_in_url=secret is not None)


def _host_and_port(authority: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        if not port.startswith(":"):
            raise _no_port(f"[{host}]")
        port = port[1:]
    else:
        if authority.count(":") > 1:
            raise BadTarget(
                "an IPv6 address stands in brackets", "Write it as [ADDRESS]:PORT, like [::1]:6767"
            )
        host, found, port = authority.partition(":")
        if not found:
            raise _no_port(authority)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536):
        raise BadTarget("the port is a number from 1 to 65535", "The usual one is 6767")
    return (_address(host) if authority.startswith("[") else _ascii(host)), int(port)


def _address(text: str) -> str:
    address, _, zone = text.partition("%")
    try:
        whole = ipaddress.IPv6Address(address)
    except ValueError:
        raise BadTarget("what stands in brackets is no IPv6 address") from None
    if "%" not in text:
        return str(whole)
    zone = unquote(zone.removeprefix("25"))
    if not _ZONE.fullmatch(zone):
        raise BadTarget("behind the % of an IPv6 address stands the name of an interface")
    return f"{whole}%{zone}"


def _ascii(host: str) -> str:
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        name = ""
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise BadTarget("this is no name or address of a machine")
    return name


def _no_port(host: str) -> BadTarget:
    shown = host if _NAME.fullmatch(host) or re.fullmatch(r"\[[0-9a-fA-F:.]+\]", host) else "HOST"
    return BadTarget("the port is missing", f"Write it as {shown}:6767")


def _unix(rest: str) -> Target:
    path = unquote(rest.partition("?")[0])
    if not path.startswith("/") or "\0" in path or "?" in rest:
        raise BadTarget("behind unix:// stands a whole path", "Write it as unix:///PATH")
    return Target(path=path)


def _shown_path(text: str) -> str:
    return text if text.startswith("/") and "?" not in text else "/PATH"


def _instead(rest: str, query: str) -> str:
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if "@" in authority or not authority:
        return FORMS
    try:
        host, port = _host_and_port(authority)
    except BadTarget:
        return FORMS
    return f"Write it as tcp://{_bracketed(host)}:{port}{query}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
