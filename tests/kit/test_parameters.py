"""RDS's parameter formulas: the values AWS documents, and nothing hostile gets through."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit.parameters import evaluate

GIB = 2**30


def limit(formula: str, gib: float) -> int:
    return evaluate(formula, {"DBInstanceClassMemory": int(gib * GIB)})


POSTGRES = "LEAST({DBInstanceClassMemory/9531392},5000)"
AURORA_MYSQL = "GREATEST({log(DBInstanceClassMemory/805306368)*45},{log(DBInstanceClassMemory/8187281408)*1000})"


@pytest.mark.parametrize(
    ("formula", "gib", "connections"),
    [
        ("151", 8, 151),
        ("{DBInstanceClassMemory/12582880}", 8, 682),
        (POSTGRES, 8, 901),
        (POSTGRES, 64, 5000),
        # The table of maximum connections in AWS's page "Managing performance and scaling for Aurora MySQL".
        (AURORA_MYSQL, 4, 90),
        (AURORA_MYSQL, 16, 1000),
        (AURORA_MYSQL, 32, 2000),
        (AURORA_MYSQL, 64, 3000),
        (AURORA_MYSQL, 128, 4000),
        (AURORA_MYSQL, 256, 5000),
        (AURORA_MYSQL, 768, 7000),
        ("SUM({DBInstanceClassMemory/1073741824}, 10)", 8, 18),
        ("IF({DBInstanceClassMemory/1073741824}, 1, 2)", 0.5, 2),
        ("{DBInstanceClassMemory*3/4}", 4, 3 * GIB),
    ],
)
def test_formulas_have_the_values_aws_documents(formula: str, gib: float, connections: int) -> None:
    assert limit(formula, gib) == connections


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "{",
        "LEAST(",
        "LEAST()",
        "{AllocatedStorage}",
        "1/0",
        "log(0)",
        "1 2",
        "__import__('os')",
        "2**9",
        "-1",
        "(" * 500,
    ],
)
def test_what_is_no_formula_is_an_error(formula: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        limit(formula, 8)


@given(st.text(alphabet="0123456789{}(),*/ LEASTGRilogDBInstanceClassMemory", max_size=300))
def test_any_text_gives_a_whole_number_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert type(limit(text, 8)) is int


@given(st.floats(0.5, 4096), st.floats(0.5, 4096))
def test_more_memory_never_allows_fewer_connections(one: float, other: float) -> None:
    small, large = sorted((one, other))
    for formula in (POSTGRES, "{DBInstanceClassMemory/12582880}"):
        assert limit(formula, small) <= limit(formula, large)
