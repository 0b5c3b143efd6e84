"""Certificates for tests, made by the openssl program: valid for a day, or expired since one."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """PEM files. Self-signed, so that `cert` is also what a client has to trust."""

    cert: Path
    key: Path


def made(folder: Path, *names: str, expired: bool = False) -> Certificate:
    """For these names, like "DNS:localhost" or "IP:127.0.0.1"."""
    folder.mkdir(parents=True, exist_ok=True)
    cert, key, wish = (folder / name for name in ("cert.pem", "key.pem", "wish.csr"))
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)
    subject = ("-subj", "/CN=sereno test", "-addext", f"subjectAltName={','.join(names)}")
    if expired:
        _run("req", "-new", *new_key, *subject, "-out", wish)
        since = ("-days", "-1", "-copy_extensions", "copy")
        _run("x509", "-req", "-in", wish, "-key", key, *since, "-out", cert)
    else:
        _run("req", "-x509", *new_key, *subject, "-days", "1", "-out", cert)
    key.chmod(0o600)
    return Certificate(cert, key)


def _run(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=20)
