"""``python -m services``: see command_line."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # To load everything takes a second, in which nothing is started yet: Ctrl-C simply ends it.
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from services.command_line import main

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
