"""The certificate and key that [daemon.tls] names, for every TCP address (T25)."""

from __future__ import annotations

from pathlib import Path

from sereno.core.config import Config
from sereno.core.home import HomeError
from sereno.core.listeners.tls import TlsContext, TlsRefused

__all__ = ["Encryption"]


class Encryption:
    """Read at the start, and again whenever the configuration is: a certificate may have been
    renewed. A start or a reload with files that cannot be used is refused."""

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
