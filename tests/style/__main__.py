"""``python -m tests.style``: print what breaks the budgets and rules; fail if any."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.style import budgets, phrases

ROOT = Path(__file__).parent.parent.parent


def main() -> int:
    complaints = [
        *budgets.complaints(ROOT, ("services", "shared")),
        *phrases.complaints(ROOT),
    ]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
