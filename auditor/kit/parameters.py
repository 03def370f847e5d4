"""Values of RDS parameters that are formulas, such as ``LEAST({DBInstanceClassMemory/9531392},5000)``."""

import math
import re
from collections.abc import Mapping

__all__ = ["evaluate"]

_LONGEST = 256
"""Characters; RDS's own formulas have less than 120. It bounds the nesting a hostile value can ask for."""

_TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z]\w*)|([{}(),*/]))")


def evaluate(formula: str, variables: Mapping[str, int]) -> int:
    """Return the whole number that FORMULA stands for, with VARIABLES (``DBInstanceClassMemory`` in bytes, …).

    A plain number is a formula too. Multiplication and division (whole quotients, the rest is dropped), GREATEST, LEAST,
    SUM, IF and log (to base 2) are known. Raises ValueError for everything else.

    Source: RDS User Guide, "Specifying DB parameters". That log gives whole numbers follows from the table of maximum
    connections in "Managing performance and scaling for Aurora MySQL" (45, 90, 1000, 2000 … and nothing between).
    """
    if len(formula) > _LONGEST:
        raise ValueError(f"a formula of {len(formula)} characters")
    reader = _Reader(_tokens(formula), variables)
    value = reader.product()
    if reader.tokens:
        raise ValueError(f"{reader.tokens[-1]!r} is left over in a formula")
    return value


def _tokens(formula: str) -> list[str]:
    """Return the formula's tokens, the last one first."""
    tokens, place = [], 0
    text = formula.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match:
            raise ValueError(f"{text[place]!r} has no meaning in a formula")
        tokens.append(match[0].strip())
        place = match.end()
    return tokens[::-1]


class _Reader:
    """Reads a formula from left to right and computes it on the way."""

    def __init__(self, tokens: list[str], variables: Mapping[str, int]) -> None:
        self.tokens = tokens
        self.variables = variables

    def _next(self) -> str:
        if not self.tokens:
            raise ValueError("a formula ends too early")
        return self.tokens.pop()

    def _expect(self, wanted: str) -> None:
        found = self._next()
        if found != wanted:
            raise ValueError(f"{found!r} in a formula where {wanted!r} belongs")

    def product(self) -> int:
        """Read operands joined by * and /; a quotient is whole."""
        value = self._operand()
        while self.tokens and self.tokens[-1] in "*/":
            value = value * self._operand() if self._next() == "*" else value // self._divisor()
        return value

    def _divisor(self) -> int:
        if (value := self._operand()) == 0:
            raise ValueError("a formula divides by zero")
        return value

    def _operand(self) -> int:
        word = self._next()
        if word in "{(":
            value = self.product()
            self._expect("}" if word == "{" else ")")
            return value
        if word.isdigit():
            return int(word)
        if self.tokens and self.tokens[-1] == "(":
            return self._log() if word == "log" else _call(word, self._arguments())
        if word not in self.variables:
            raise ValueError(f"{word!r} is not known in a formula")
        return self.variables[word]

    def _arguments(self) -> list[int]:
        self._expect("(")
        values = [self.product()]
        while (word := self._next()) == ",":
            values.append(self.product())
        if word != ")":
            raise ValueError(f"{word!r} in a formula where ')' belongs")
        return values

    def _log(self) -> int:
        """Read ``(operand)`` or ``(operand/operand)``: inside a log the quotient is not whole."""
        self._expect("(")
        dividend, divisor = self._operand(), 1
        if self.tokens and self.tokens[-1] == "/":
            self._next()
            divisor = self._divisor()
        self._expect(")")
        if dividend <= 0:
            raise ValueError("a formula takes the log of nothing")
        return round(math.log2(dividend) - math.log2(divisor))


def _call(name: str, values: list[int]) -> int:
    if name == "GREATEST":
        return max(values)
    if name == "LEAST":
        return min(values)
    if name == "SUM":
        return sum(values)
    if name == "IF" and len(values) == 3:
        return values[1] if values[0] else values[2]
    raise ValueError(f"{name} with {len(values)} values is not known in a formula")
