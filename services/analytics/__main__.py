"""``python -m services.analytics`` serves; ``python -m services.analytics verify`` checks."""

from __future__ import annotations

import sys

from services.analytics.command import parsed, run
from services.analytics.settings import Settings
from shared.starting import settings_or_exit

if __name__ == "__main__":
    asked = parsed(sys.argv[1:])
    sys.exit(run(asked, settings_or_exit(Settings)))
