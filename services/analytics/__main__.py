"""``python -m services.analytics`` serves; ``python -m services.analytics verify`` checks."""

from __future__ import annotations

import sys

from services.analytics.command import run
from services.analytics.settings import Settings
from shared.starting import settings_or_exit

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], settings_or_exit(Settings)))
