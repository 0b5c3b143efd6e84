"""`sereno service`: the daemon as a service of the person's own user, without root.

Texts and judgements are pure (unit.py, plist.py, sealed.py); systemd.py and launchd.py ask the
system's own programs. The command itself is commands/service.py.
"""
