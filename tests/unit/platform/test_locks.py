"""Images and people run the same versions, and the lock holds what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PIN = re.compile(r"^([a-zA-Z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(path: str) -> dict[str, str]:
    return {
        name.lower().replace("_", "-"): version
        for name, version in PIN.findall((ROOT / path).read_text())
    }


def asked(extras: tuple[str, ...]) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return {re.split(r"[<>=;\[ ]", each)[0].lower().replace("_", "-") for each in wanted}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ("demo", "test")),
        ("deploy/requirements.lock", ()),
        ("deploy/requirements-demo.lock", ("demo",)),
    ],
)
def test_a_lock_pins_what_is_asked_for_at_everybodys_version(
    lock: str, extras: tuple[str, ...]
) -> None:
    assert asked(extras) - pins(lock).keys() == set()
    assert pins(lock).items() - pins("requirements.lock").items() == set()


def test_every_pin_has_a_hash() -> None:
    for lock in ("requirements.lock", "deploy/requirements.lock", "deploy/requirements-demo.lock"):
        blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())

        assert [block for block in blocks if "--hash=sha256:" not in block] == []
