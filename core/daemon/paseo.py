"""Takes over a Paseo home: its settings, its server id and its key pair, so that phones that were
paired with Paseo reach this daemon instead (design section 3 and 7).

Nothing in the Paseo home is changed. Everything is looked at before anything is written, nothing
that is set here already is overwritten, and doing it again changes nothing. Neither Paseo nor a
daemon of this home may run meanwhile: two would answer for one id.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sereno.core.config import parse_listen, put
from sereno.core.config.edit import edit_config
from sereno.core.config.load import build_config
from sereno.core.config.source import parse_source, read_source
from sereno.core.daemon.pairing_rows import pairing_row
from sereno.core.daemon.paseo_settings import NotPaseos, translate
from sereno.core.daemon.sockets import DoorError, refuse_without_password
from sereno.core.home import DaemonLock, Home, HomeError, explained, prepare, secret_files
from sereno.core.home import pairings as files
from sereno.core.security import audit
from sereno.core.security.pairings import taken_over
from sereno.core.store import audit as audit_table
from sereno.core.store import meta
from sereno.core.store import pairings as store
from sereno.core.store.database import Database

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["Taken", "find_paseo_home", "take_over"]

_LARGEST = 1024 * 1024
_ENABLED = "daemon.relay.enabled"


class Taken(msgspec.Struct, frozen=True):
    """What came of it. `pairing`: whether phones that were paired with Paseo can come; "already"
    where an earlier import did it, "none" where Paseo never made keys. `settings`: keys of
    config.toml that were written. `kept`: that stood there already and were left as they are.
    `left`: of config.json, each with the reason. `relay`: whether the relay is on now."""

    server_id: str | None
    pairing: str
    settings: tuple[str, ...]
    kept: tuple[str, ...]
    left: dict[str, str]
    relay: bool


class _Plan(msgspec.Struct, frozen=True):
    """`keys`: the file's text, and whose id it goes with; None for none."""

    server_id: str | None
    keys: bytes | None
    settings: dict[str, Any]
    kept: tuple[str, ...]
    left: dict[str, str]

    def __repr__(self) -> str:
        return "_Plan(…)"


def find_paseo_home(env: Mapping[str, str]) -> Path:
    """PASEO_HOME, else ~/.paseo."""
    return Path(env.get("PASEO_HOME", "").strip() or "~/.paseo").expanduser()


def take_over(home: Home, paseo: Path, env: Mapping[str, str], *, relay: bool) -> Taken:
    """`relay`: switch the relay on, if Paseo used it: without that no phone comes.

    Raises HomeError: no_paseo, paseo_runs, paseo_damaged, other_keys, and what a home, its lock and
    its configuration may be refused with; StoreError. Nothing has been changed then.
    """
    prepare(home)
    with DaemonLock(home):
        _refuse_running(paseo)
        plan = _plan(home, paseo, env, relay=relay)
        pairing = "none"
        if plan.server_id is not None and plan.keys is not None:
            had = secret_files.load_file(files.daemon_key_path(home)) is not None
            if not had:
                secret_files.save_file(files.daemon_key_path(home), plan.keys)
            new = asyncio.run(_write(home, plan.server_id, tuple(plan.settings)))
            pairing = "taken" if new or not had else "already"
        _edit(home, plan.settings)
        config = build_config(read_source(home.config), env, {})
    return Taken(
        plan.server_id,
        pairing,
        tuple(plan.settings),
        plan.kept,
        plan.left,
        config.daemon.relay.enabled,
    )


# Looking


def _refuse_running(paseo: Path) -> None:
    """Raises HomeError while a Paseo daemon runs for this home (its paseo.pid says so)."""
    raw = _read(paseo / "paseo.pid")
    if raw is None:
        return
    try:
        pid = msgspec.json.decode(raw).get("pid")
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        pid = None
    if not isinstance(pid, int) or pid <= 0:
        raise HomeError(
            "paseo_runs",
            f"{paseo / 'paseo.pid'} does not say whether Paseo runs.",
            f"Stop Paseo (`paseo daemon stop`), then: rm {paseo / 'paseo.pid'}",
        )
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return  # It crashed, and left the file behind.
    except (PermissionError, OverflowError):
        pass
    raise HomeError(
        "paseo_runs",
        f"Paseo runs (process {pid}): two daemons would answer for one id.",
        "Stop it first: paseo daemon stop",
    )


def _plan(home: Home, paseo: Path, env: Mapping[str, str], *, relay: bool) -> _Plan:
    server_id, keys = _identity(home, paseo, env)
    config = _read(paseo / "config.json")
    if server_id is None and config is None:
        raise HomeError(
            "no_paseo",
            f"{paseo} is no home of Paseo: it has no settings, no server id and no keys.",
            "Name it: sereno import-paseo --from FOLDER, or set PASEO_HOME.",
        )
    try:
        found = translate(config or b"")
    except NotPaseos as error:
        raise HomeError(
            "paseo_damaged",
            f"{paseo / 'config.json'} cannot be read: {error}.",
            "Correct it, or move it away to take over the pairing alone.",
        ) from None
    wanted = dict(found.settings)
    if relay and found.relay and keys is not None:
        wanted[_ENABLED] = True
    return _fitting(home, server_id, keys, wanted, found.left)


def _identity(home: Home, paseo: Path, env: Mapping[str, str]) -> tuple[str | None, bytes | None]:
    """Server id and key file, both or neither. Raises HomeError."""
    from sereno.relay_client.keypair import KeyPair, KeyPairDamaged
    from sereno.relay_client.server_ids import is_server_id

    path = paseo / "daemon-keypair.json"
    text = _read(path)
    said = env.get("PASEO_SERVER_ID", "").strip()
    server_id = said or (_read(paseo / "server-id") or b"").decode("utf-8", "replace").strip()
    if text is None or not server_id:
        return None, None
    try:
        pair = KeyPair.decode(text)
    except KeyPairDamaged as error:
        raise HomeError(
            "paseo_damaged",
            f"{path} holds no keys that could be used: {error.message}",
            "Put it back from a copy. Without one: move it away, and pair the phones anew.",
        ) from None
    if not is_server_id(server_id):
        raise HomeError(
            "paseo_damaged", f"{paseo / 'server-id'} holds no usable server id.", "Correct it."
        )
    mine = secret_files.load_file(files.daemon_key_path(home))
    if mine is not None and _public(mine) != pair.public:
        raise HomeError(
            "other_keys",
            "This home has taken over another Paseo home already.",
            "End its pairing first (`sereno pair rotate`), or use another SERENO_HOME.",
        )
    return server_id, pair.encode()


def _public(text: bytes) -> bytes | None:
    from sereno.relay_client.keypair import KeyPair, KeyPairDamaged

    try:
        return KeyPair.decode(text).public
    except KeyPairDamaged:
        return None


def _fitting(
    home: Home,
    server_id: str | None,
    keys: bytes | None,
    wanted: dict[str, Any],
    left: dict[str, str],
) -> _Plan:
    """Of what is wanted, what is not set here yet and makes a valid file, one by one."""
    import tomlkit

    source = read_source(home.config)
    build_config(source, {}, {})  # A file that is refused as it is must be corrected first.
    document = tomlkit.parse(source.text)
    left, kept, settings = dict(left), [], {}
    # The password first: what may be listened on depends on it.
    for key in sorted(wanted, key=lambda one: one != "daemon.auth.password"):
        value = wanted[key]
        if _stands(document, key):
            kept.append(key)
            continue
        tried = tomlkit.parse(tomlkit.dumps(document))
        _set(tried, key, value)
        try:
            config = build_config(parse_source(home.config, tomlkit.dumps(tried).encode()), {}, {})
            if key == "daemon.listen" and config.daemon.auth.password is None:
                refuse_without_password(parse_listen(config.daemon.listen[0]))
        except DoorError as error:
            left[key] = f"{error.message} {error.next_step}"
        except HomeError as error:
            left[key] = error.message
        else:
            document = tried
            settings[key] = value
    return _Plan(server_id, keys, settings, tuple(kept), left)


def _read(path: Path) -> bytes | None:
    """A file of the Paseo home; None where there is none. Raises HomeError."""
    with explained(path):
        try:
            with path.open("rb") as file:
                return file.read(_LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None


# Writing


async def _write(home: Home, server_id: str, settings: tuple[str, ...]) -> bool:
    """The daemon's id and the pairing; whether they are new."""
    now = time.time_ns() // 1_000_000
    pairing = taken_over(f"off_{secrets.token_hex(4)}", server_id, now)

    def work(connection: sqlite3.Connection) -> bool:
        mine = [one for one in store.pairings(connection) if one.kind == "paseo"]
        if any(one.server_id == server_id and one.state == "paired" for one in mine):
            return False
        told = msgspec.json.encode({"settings": " ".join(settings)}).decode()
        entry = audit_table.Entry(now, "owner (command line)", "paseo.import", pairing.id, told)
        audit_table.add(connection, [entry], audit.digest)
        for other in mine:
            store.forget(connection, other.server_id)
        store.put(connection, pairing_row(pairing))
        meta.set_value(connection, "server_id", server_id)
        return True

    database = Database(home.database)
    await database.open()
    try:
        return await database.write(work, durable=True)
    finally:
        await database.close()


def _edit(home: Home, settings: dict[str, Any]) -> None:
    if not settings:
        return

    def change(document: TOMLDocument) -> None:
        for key, value in settings.items():
            _set(document, key, value)

    edit_config(home, change)


def _stands(document: TOMLDocument, key: str) -> bool:
    part: Any = document
    for name in key.split("."):
        if not hasattr(part, "get") or name not in part:
            return False
        part = part[name]
    return True


def _set(document: TOMLDocument, key: str, value: object) -> None:
    """A setting, or a provider's whole table."""
    import tomlkit

    if not isinstance(value, dict):
        put(document, key, value)
        return
    table = tomlkit.table()
    for name, inner in value.items():
        table.add(name, inner)
    providers = document.setdefault("providers", tomlkit.table(is_super_table=True))
    providers.add(key.removeprefix("providers."), table)
