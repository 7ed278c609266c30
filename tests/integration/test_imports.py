"""Nothing happens by importing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules() -> list[str]:
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
    )


def test_every_module_imports_with_no_setting_in_the_environment() -> None:
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *modules()],
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
