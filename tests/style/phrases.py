"""Words and names that must not occur, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DRAWERS = frozenset({"utils.py", "helpers.py", "common.py", "base.py"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A pattern, the files it is looked for in, and what to do instead."""

    pattern: re.Pattern[str]
    files: tuple[str, ...]
    instead: str
    allowed: frozenset[str] = frozenset()


PHRASES = (
    Phrase(
        pattern=re.compile(r"os\.environ|getenv"),
        files=("services/**/*.py", "shared/**/*.py"),
        instead="the environment is read in settings only",
        allowed=frozenset({"settings.py"}),
    ),
    Phrase(
        pattern=re.compile(r"async def"),
        files=("services/*/domain.py", "services/*/domain/**/*.py"),
        instead="decisions do no I/O",
    ),
    Phrase(
        pattern=re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b"),
        files=("services/**/*.py",),
        instead="SQL lives in store.sql",
    ),
    Phrase(
        pattern=re.compile(r"class \w*(Service|Manager|Helper|Processor|Handler)\b"),
        files=("services/**/*.py", "shared/**/*.py"),
        instead="functions first; a class is named for what it is",
    ),
    Phrase(
        pattern=re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
        files=("services/**/*", "shared/**/*", "deploy/**/*", "docs/**/*", "*.md"),
        instead="no pictures in text",
    ),
)


def complaints(root: Path) -> Iterator[str]:
    """Yield one line per forbidden phrase or file name under *root*."""
    for phrase in PHRASES:
        for pattern in phrase.files:
            for path in sorted(root.glob(pattern)):
                if path.is_file() and path.name not in phrase.allowed:
                    yield from _in_file(path, phrase, root)
    for folder in ("services", "shared", "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            if path.name in DRAWERS:
                yield f"{path.relative_to(root)}: a drawer attracts everything; name it by its noun"


def _in_file(path: Path, phrase: Phrase, root: Path) -> Iterator[str]:
    if "__pycache__" in path.parts:
        return
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        if phrase.pattern.search(line):
            yield f"{path.relative_to(root)}:{number}: {phrase.instead}: {line.strip()[:80]}"
