"""The style check finds what it says it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.style import budgets, phrases


def complaints_about(source: str) -> list[str]:
    found = budgets.Measured()
    budgets.measure(source, "some.py", found)
    return found.complaints


def a_function(lines: int) -> str:
    return "def f() -> None:\n" + "    x = 1\n" * (lines - 1)


def test_forty_lines_are_allowed_and_forty_one_are_not() -> None:
    assert complaints_about(a_function(40)) == []
    assert complaints_about(a_function(41)) == ["some.py:1 f: 41 lines, a function has at most 40"]


def test_a_docstring_does_not_count_as_length() -> None:
    documented = a_function(40).replace("\n", '\n    """One.\n\n    Two.\n    """\n', 1)

    assert complaints_about(documented) == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def f(a) -> None: ...\n", "some.py:1 f: not annotated: a"),
        ("def f(): ...\n", "some.py:1 f: not annotated: what it returns"),
        (
            "def f(a: int, b: int, c: int, d: int, e: int, *, g: int, h: int) -> None: ...\n",
            "some.py:1 f: 7 parameters, at most 6",
        ),
        (
            "try:\n    x = 1\nexcept Exception:\n    pass\n",
            "some.py:3: an error is swallowed",
        ),
        ("x = 1\n" * 301, "some.py: 301 lines, a module has at most 300"),
        (
            "class C:\n" + "    x = 1\n" * 150,
            "some.py:1 C: 151 lines, a class has at most 150",
        ),
    ],
)
def test_a_breach_is_named_with_its_place(source: str, complaint: str) -> None:
    assert complaints_about(source) == [complaint]


def test_too_many_broad_excepts_are_counted_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    for number in range(budgets.BROAD_EXCEPTS + 1):
        (tmp_path / "shared" / f"m{number}.py").write_text(
            "try:\n    x = 1\nexcept Exception:\n    x = 2\n"
        )

    found = budgets.complaints(tmp_path, ("shared",))

    assert [line.split(",")[0] for line in found] == ["4 broad excepts"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("services/a/app.py", "import os; os.environ['X']"),
        ("services/a/domain.py", "async def f() -> None: ..."),
        ("services/a/store.py", "QUERY = 'SELECT 1'"),
        ("shared/shop.py", "class ShopManager: ..."),
        ("docs/a.md", "done \N{WHITE HEAVY CHECK MARK}"),
        ("shared/utils.py", "x = 1"),
    ],
)
def test_a_forbidden_phrase_is_found(tmp_path: Path, path: str, text: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text + "\n")

    found = list(phrases.complaints(tmp_path))

    assert [line.split(":")[0] for line in found] == [path]


def test_settings_may_read_the_environment(tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "settings.py").write_text("import os; os.environ['X']\n")

    assert list(phrases.complaints(tmp_path)) == []
