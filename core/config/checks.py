"""What a value must be to be accepted for a setting.

Pure functions from what TOML, a variable or a flag gave to the value that the program uses. A
refusal is a ValueError whose text completes the sentence "... must be".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from sereno.core.config.listen import parse_listen

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
# Patterns are compiled, and kept, by `re` when a value is looked at: most are the built-in ones.
# 22 characters of salt, of which the last has 2 bits only, and 31 of hash.
_BCRYPT = r"(?a)\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
_BCRYPT_COSTS = range(4, 17)
_HOST_PATTERN = r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*"
_ORIGIN = r"[a-z][a-z0-9+.-]*://[^/\s?#]+"
_RELAY = r"(?:\[([0-9a-fA-F:.]+)\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?::([0-9]{1,5}))?"
_LONGEST_RELAY = 261
_THEME = r"[A-Za-z0-9_-]{1,64}"


class Check(msgspec.Struct, frozen=True):
    """`accept` takes a typed value, `from_text` makes one of a variable's or flag's text."""

    accept: Callable[[object], object]
    from_text: Callable[[str], object] = str
    secret: bool = False


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError('text in quotes that is not empty, such as "name"')
    return value


def text_list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError('a list of texts, such as ["one", "two"]')
    return tuple(text(item) for item in value)


def folders(value: object) -> tuple[str, ...]:
    """Whether they exist is not asked: a folder may be trusted before it is made."""
    found = text_list(value)
    if not all(each.startswith(("/", "~/")) or each == "~" for each in found):
        raise ValueError('a list of folders that begin with "/" or "~/", such as ["~/work"]')
    return found


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false, without quotes")
    return value


def one_of(*choices: str) -> Check:
    def accept(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError("one of " + ", ".join(f'"{choice}"' for choice in choices))
        return value

    return Check(accept)


def whole(least: int, most: int) -> Check:
    def accept(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return Check(accept, number_from_text)


def number(least: float, most: float) -> Check:
    def accept(value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= float(value) <= most:  # type: ignore[arg-type]
            raise ValueError(f"a number from {least:g} to {most:g}")
        return float(value)  # type: ignore[arg-type]

    return Check(accept, number_from_text)


def listen(value: object) -> tuple[str, ...]:
    items = text_list([value] if isinstance(value, str) else value)
    for item in items:
        parse_listen(item)
    return items


def hostnames(value: object) -> object:
    if value is True:
        return True
    if value is False:
        raise ValueError('true for every name, or a list of names, such as [".example.com"]')
    names = tuple(item.strip().lower() for item in text_list(value))
    for name in names:
        if not re.fullmatch(_HOST_PATTERN, name):
            raise ValueError(
                'a list of host names without port, scheme or "*", such as ["box.example.com", '
                f'".example.com"]; "{name}" is none'
            )
    return names


def origins(value: object) -> tuple[str, ...]:
    items = text_list(value)
    for item in items:
        if item != "*" and not re.fullmatch(_ORIGIN, item):
            raise ValueError(
                'a list of origins without path or final "/", such as '
                f'["https://app.example.com"]; "{item}" is none'
            )
    return items


def bcrypt_hash(value: object) -> str:
    """Nothing is accepted that no password could match, or that would be computed for minutes."""
    found = re.fullmatch(_BCRYPT, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(
            "a bcrypt hash ($2b$12$ and 53 more characters), never the password; "
            "`sereno daemon set-password` writes it"
        )
    if int(found[1]) not in _BCRYPT_COSTS:
        raise ValueError("a bcrypt hash with a cost from 04 to 16, such as $2b$12$")
    return found[0]


def host_port(value: object) -> str:
    """What relay_client/endpoints.py reads as the address in an offer."""
    if not isinstance(value, str) or not _is_relay(value, port_needed=True):
        raise ValueError('host and port, such as "relay.example.com:443"')
    return value


def endpoint(value: object) -> str:
    """What relay_client/endpoints.py reads as the address to dial; it is not loaded to say so."""
    if isinstance(value, str) and value.startswith(("ws://", "wss://")):
        rest = value.split("://", 1)[1].removesuffix("/")
        if _is_relay(rest, port_needed=False):
            return value
    try:
        return host_port(value)
    except ValueError:
        raise ValueError(
            'host and port, such as "relay.example.com:443", or a ws:// or wss:// address'
        ) from None


def _is_relay(text: str, *, port_needed: bool) -> bool:
    match = re.fullmatch(_RELAY, text)
    if match is None or len(text) > _LONGEST_RELAY or (port_needed and match[2] is None):
        return False
    if match[1] is not None:
        import ipaddress  # rarely needed, and felt at the start

        try:
            ipaddress.IPv6Address(match[1])
        except ValueError:
            return False
    return match[2] is None or 0 < int(match[2]) < 65_536


def pins(value: object) -> tuple[str, ...]:
    """What relay_client/pins.py reads; it is not loaded to say so."""
    found = text_list(value)
    for one in found:
        if not re.fullmatch(r"sha256//?[A-Za-z0-9+/]{43}=", one):
            raise ValueError('pins such as "sha256/…" with 44 characters of base64')
    return found


def web_address(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", value):
        raise ValueError('a web address, such as "https://app.example.com"')
    return value.rstrip("/")


def theme(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_THEME, value):
        raise ValueError('the name of a theme, such as "sereno"')
    return value


def bindings(value: object) -> dict[str, str]:
    """Ids of bindings and their keys; `fleet.new = "a"` and `"fleet.new" = "a"` say the same."""
    if not isinstance(value, dict):
        raise ValueError('a table of bindings and keys, such as "fleet.new" = "a"')
    found: dict[str, str] = {}
    for name, keys in value.items():
        if isinstance(keys, dict):
            found |= {f"{name}.{last}": inner for last, inner in bindings(keys).items()}
        elif isinstance(keys, str) and keys.strip():
            found[name] = keys
        else:
            raise ValueError(f'a table of bindings and keys in quotes; that of "{name}" is not')
    return found


def argv(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        raise ValueError('a list of program and arguments, such as ["opencode", "acp"]')
    if not value[0].strip() or any("\0" in word for word in value):
        raise ValueError("a list that begins with the name of a program")
    return tuple(value)


def environment(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError('a table of texts, such as { NAME = "value" }')
    if not all(name and "=" not in name and "\0" not in name + value[name] for name in value):
        raise ValueError('a table whose names hold no "=" and no NUL character')
    return dict(value)


def boolean_from_text(value: str) -> object:
    word = value.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else value


def list_from_text(value: str) -> object:
    return [item.strip() for item in value.split(",") if item.strip()]


def hostnames_from_text(value: str) -> object:
    return True if value.strip().lower() == "true" else list_from_text(value)


def number_from_text(value: str) -> object:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


TEXT = Check(text)
TEXT_LIST = Check(text_list, list_from_text)
BOOLEAN = Check(boolean, boolean_from_text)
