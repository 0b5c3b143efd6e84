"""Whose certificates a client believes: the system's trust store, or one file that was named.

There is no way to leave the verification out: whoever has a certificate of their own names it.
"""

from __future__ import annotations

import ssl

from sereno.core.client.errors import ClientError
from sereno.core.client.target import Target

__all__ = ["context_of"]


def context_of(target: Target) -> ssl.SSLContext:
    """TLS 1.2 or newer, the name checked. Raises ClientError (bad_ca_file)."""
    try:
        context = ssl.create_default_context(cafile=target.ca_file)
    except FileNotFoundError:
        raise _bad_file(target, "there is no such file") from None
    except ssl.SSLError:
        raise _bad_file(target, "it holds no certificate in PEM form") from None
    except OSError as error:
        raise _bad_file(target, error.strerror or str(error)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _bad_file(target: Target, words: str) -> ClientError:
    return ClientError(
        "bad_ca_file",
        f"{target.ca_file} cannot be used to check certificates: {words}",
        "Name a PEM file by --ca-file or SERENO_CA_FILE",
    )
