"""`python -m screenshots`: draws the pictures of this folder anew."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.tui.make_screenshots import main

if __name__ == "__main__":
    main()
