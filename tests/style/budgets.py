"""Sizes and habits, measured on the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FUNCTION_LINES = 40
FUNCTION_LINES_P90 = 25
MODULE_LINES = 300
CLASS_LINES = 150
PARAMETERS = 6
BROAD_EXCEPTS = 3

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Measured:
    """What one walk over the code found."""

    function_lines: list[int] = field(default_factory=list)
    broad: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def complaints(root: Path, folders: Iterable[str]) -> list[str]:
    """Return one line per breach in the Python files of *folders* under *root*."""
    found = Measured()
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            measure(path.read_text(), str(path.relative_to(root)), found)
    return [*found.complaints, *_overall(found)]


def _overall(found: Measured) -> Iterator[str]:
    sizes = sorted(found.function_lines)
    p90 = sizes[int(len(sizes) * 0.9)] if sizes else 0
    if p90 > FUNCTION_LINES_P90:
        yield f"one function in ten is longer than {p90} lines, the budget is {FUNCTION_LINES_P90}"
    if len(found.broad) > BROAD_EXCEPTS:
        yield f"{len(found.broad)} broad excepts, the budget is {BROAD_EXCEPTS}: {found.broad}"


def measure(source: str, name: str, found: Measured) -> None:
    """Add what *source*, the text of the file *name*, holds to *found*."""
    lines = source.count("\n")
    if lines > MODULE_LINES:
        found.complaints.append(f"{name}: {lines} lines, a module has at most {MODULE_LINES}")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.function_lines.append(_length(node))
                found.complaints.extend(_about_function(node, f"{name}:{node.lineno} {node.name}"))
            case ast.ClassDef() if (size := _span(node)) > CLASS_LINES:
                found.complaints.append(
                    f"{name}:{node.lineno} {node.name}: {size} lines,"
                    f" a class has at most {CLASS_LINES}"
                )
            case ast.ExceptHandler() if _is_broad(node):
                found.broad.append(f"{name}:{node.lineno}")
                if all(isinstance(part, ast.Pass) for part in node.body):
                    found.complaints.append(f"{name}:{node.lineno}: an error is swallowed")


def _about_function(node: _Function, where: str) -> Iterator[str]:
    if (size := _length(node)) > FUNCTION_LINES:
        yield f"{where}: {size} lines, a function has at most {FUNCTION_LINES}"
    parameters = [
        argument
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if argument.arg not in {"self", "cls"}
    ]
    if len(parameters) > PARAMETERS:
        yield f"{where}: {len(parameters)} parameters, at most {PARAMETERS}"
    bare = [argument.arg for argument in parameters if argument.annotation is None]
    if bare or (node.returns is None and node.name != "__init__"):
        yield f"{where}: not annotated: {', '.join(bare) or 'what it returns'}"


def _is_broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}


def _span(node: _Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _length(node: _Function) -> int:
    if ast.get_docstring(node) is None:
        return _span(node)
    docstring = node.body[0]
    return _span(node) - ((docstring.end_lineno or 0) - docstring.lineno + 1)
