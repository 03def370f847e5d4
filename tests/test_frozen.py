"""Frozen dataclasses that are made quickly are like any other frozen dataclass."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from auditor.frozen import quick
from auditor.model import Evidence, Finding, Gap, Resource, Severity, Tally, Verdict


@dataclass(frozen=True, slots=True)
class Plain:
    """A frozen dataclass as the standard library makes it."""

    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    """The same, quick."""

    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list)


@pytest.mark.parametrize(("given", "named"), [((1,), {}), ((1, "x"), {"c": [2]}), ((), {"a": 3, "b": "y"})])
def test_it_holds_and_shows_the_same(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    plain, made = Plain(*given, **named), Quick(*given, **named)
    assert repr(made) == repr(plain).replace("Plain", "Quick")
    assert [(f.name, getattr(made, f.name)) for f in fields(made)] == [
        (f.name, getattr(plain, f.name)) for f in fields(plain)
    ]
    assert made == Quick(*given, **named)
    assert made != Quick(99)
    assert type(made) is Quick


def test_a_list_by_default_is_its_own() -> None:
    assert Quick(1).c is not Quick(1).c


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, "b", [], 4), {}), ((1,), {"d": 1}), ((1,), {"a": 1})])
def test_what_is_missing_or_too_much_is_refused(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Quick(*given, **named)


@pytest.mark.parametrize("name", ["a", "other", "__class__"])
def test_it_cannot_be_changed(name: str) -> None:
    made: Any = Quick(1)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        setattr(made, name, 2)
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        delattr(made, name)
    assert made == Quick(1)
    assert not hasattr(made, "__dict__")


NOUNS = [
    Gap("o", "c", "m"),
    Evidence("s", {"a": [1]}, Severity.LOW),
    Finding("k", "c", "r", "t", "n", "a", "r", Verdict.FAIL, Severity.LOW, (Evidence("s"),), gaps=(Gap("o", "c"),)),
    Resource("T", "arn", "n", "a", "r", None, {"A": 1}, {"G": Gap("o", "c")}, {"k": "v"}),  # type: ignore[arg-type]
    Tally("c", "a", "r", "t", ("x",), not_applicable={"why": ("y",)}),
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: type(noun).__name__)
def test_the_nouns_come_back_as_they_were(noun: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(noun, protocol)) == noun
    assert copy.copy(noun) == noun
    assert copy.deepcopy(noun) == noun
    assert replace(noun) == noun
    with pytest.raises(FrozenInstanceError):
        setattr(noun, fields(noun)[0].name, "x")
