"""The command `sereno`."""


def main() -> int:
    raise SystemExit(0)
