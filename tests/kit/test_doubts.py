"""What could not be read and is kept as a doubt is kept without where it was raised: else checks and doubts hold each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import auditor.kit
from auditor.catalog import bundled

FOLDERS = (bundled("checks"), Path(auditor.kit.__file__).parent)


def careless(source: str) -> Iterator[int]:
    """Lines that keep a caught Unavailable itself: only its ``kept()``, what it holds, or raising it again is meant."""
    for handler in ast.walk(ast.parse(source)):
        if not isinstance(handler, ast.ExceptHandler) or handler.type is None or handler.name is None:
            continue
        if not any(isinstance(node, ast.Name) and node.id == "Unavailable" for node in ast.walk(handler.type)):
            continue
        statements = [node for statement in handler.body for node in ast.walk(statement)]
        meant = {id(node.value) for node in statements if isinstance(node, ast.Attribute)}
        meant |= {id(part) for node in statements if isinstance(node, ast.Raise) for part in (node.exc, node.cause)}
        for node in statements:
            if isinstance(node, ast.Name) and node.id == handler.name and id(node) not in meant:
                yield node.lineno


def test_a_check_that_keeps_a_doubt_keeps_it_without_where_it_was_raised() -> None:
    files = [file for folder in FOLDERS for file in sorted(folder.rglob("*.py"))]
    assert len(files) > 100
    found = [f"{file}:{line}: use .kept()" for file in files for line in careless(file.read_text())]
    assert not found, "\n".join(found)


def test_a_doubt_that_is_kept_carelessly_is_noticed() -> None:
    kept = "try:\n    look()\nexcept (KeyError, Unavailable) as unread:\n    {}\n"
    for fine in (
        "raise",
        "raise unread",
        "raise Gone() from unread",
        "doubt = doubt or unread.kept()",
        "gap = unread.gap",
    ):
        assert not list(careless(kept.format(fine))), fine
    for wrong in (
        "doubt = doubt or unread",
        "doubts.append(unread)",
        "return unread",
        "yield unread",
        "doubt = (unread, 1)",
    ):
        assert list(careless(kept.format(wrong))) == [4], wrong
