"""Coverage-guided fuzzing of headers, signatures, bodies and frames.

``python -m tests.fuzz.receiver [--seconds 60]`` installs atheris from PyPI for this run alone. What
it finds is an uncaught exception with the bytes that caused it, and exit code 77.
"""

from __future__ import annotations

import argparse
import importlib
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ATHERIS = "atheris>=3,<4"


def main() -> None:
    """Fuzz until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="till-fuzz-") as folder:
        atheris = _atheris(Path(folder) / "packages")
        with atheris.instrument_imports(include=["services", "shared", "tests.fuzz.targets"]):
            targets = importlib.import_module("tests.fuzz.targets")

        def one(data: bytes) -> None:
            source = atheris.FuzzedDataProvider(data)
            source.PickValueInList(list(targets.ALL))(source)

        corpus = Path(folder) / "corpus"
        _seed(corpus)
        flags = [f"-max_total_time={seconds}", "-timeout=10", "-max_len=4096", "-len_control=0"]
        atheris.Setup([sys.argv[0], *flags, "-print_final_stats=1", str(corpus)], one)
        atheris.Fuzz()


def _seed(corpus: Path) -> None:
    """Write decisions enough for whole objects, which would else take long to grow."""
    corpus.mkdir()
    rng = random.Random(20261121)
    for number in range(200):
        (corpus / str(number)).write_bytes(rng.randbytes(rng.randrange(100, 4000)))


def _atheris(folder: Path) -> Any:
    try:
        return importlib.import_module("atheris")
    except ModuleNotFoundError:
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), ATHERIS)
        if subprocess.run(pip, check=False).returncode:
            version = ".".join(map(str, sys.version_info[:2]))
            sys.exit(
                f"atheris cannot be installed for Python {version}; it is not needed otherwise"
            )
    sys.path.append(str(folder))
    return importlib.import_module("atheris")


if __name__ == "__main__":
    main()
