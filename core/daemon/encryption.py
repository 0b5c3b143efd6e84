"""The certificate and key that [daemon.tls] names, for every TCP address (T25)."""

from __future__ import annotations

from pathlib import Path

from sereno.core.config import Config
from sereno.core.home import HomeError
from sereno.core.listeners.tls import TlsContext, TlsRefused

__all__ = ["Encryption", "what_is_kept"]

_CODE = "tls_refused"


class Encryption:
    """Read at the start, and again whenever the configuration is: a certificate may have been
    renewed. A start with files that cannot be used is refused. A reload is not: a mistake in a
    certificate must not keep an old password or an open address alive."""

    def __init__(self) -> None:
        self._files: tuple[str, str] | None = None
        self.context: TlsContext | None = None
        """None where connections are not encrypted."""

    def use(self, config: Config) -> bool:
        """Gives whether new listeners are needed: there is another context, or none any more.

        Raises HomeError (tls_refused); then everything is as before.
        """
        cert, key = config.daemon.tls.cert, config.daemon.tls.key
        files = None if cert is None or key is None else (cert, key)
        try:
            if files is None:
                context = None
            elif files == self._files and self.context is not None:
                context = self.context
                context.reload()
            else:
                context = TlsContext(Path(files[0]).expanduser(), Path(files[1]).expanduser())
        except TlsRefused as error:
            raise HomeError(error.code, error.message, error.next_step) from error
        changed = context is not self.context
        self._files, self.context = files, context
        return changed

    def kept(self, refused: HomeError) -> HomeError:
        """What `use` refused, told to whoever asked for a reload of which all else is in force."""
        goes_on = (
            "Connections go on with the certificate of before"
            if self.context is not None
            else "Addresses that are open stay without encryption, and no other one is opened"
        )
        return HomeError(
            refused.code,
            f"{refused.message} {goes_on}; all other changes are in force.",
            f"{refused.next_step} Then run: sereno daemon reload",
        )


def what_is_kept(error: HomeError) -> str:
    """How the log begins to tell that a reload did not take everything."""
    if error.code == _CODE:
        return "the encryption is kept as it was"
    return "the configuration is kept as it was"
