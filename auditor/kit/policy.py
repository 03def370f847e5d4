"""IAM policy documents as checks read them: statements, wildcards, NotAction, conditions, and what is allowed at large."""

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

__all__ = [
    "NOBODY",
    "Condition",
    "Permit",
    "Policy",
    "Principal",
    "Statement",
    "grants_everything",
    "matches",
    "matches_arn",
    "parse",
    "permit",
]

NOBODY = "nobody-has-this"
"""Stands for any name: only a wildcard that means everything matches a service, action or resource called so."""


class Condition(NamedTuple):
    """One test of a statement's Condition: operator and key in lower case (both are case-insensitive), and the values."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def vacuous(self) -> bool:
        """Whether it lets every value pass: ``StringLike`` with ``*`` (the key itself may have to be there)."""
        return "*" in self.values and "like" in self.operator and "not" not in self.operator


class Principal(NamedTuple):
    """One principal: ``AWS``, ``Service``, ``Federated``, ``CanonicalUser`` or ``*``, and its value."""

    kind: str
    value: str


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement; lists are lists though the document may write a single text."""

    sid: str
    allow: bool
    actions: tuple[str, ...]
    """Patterns in lower case: actions are case-insensitive."""
    not_actions: bool
    """The statement says NotAction: ACTIONS are what it is not about."""
    resources: tuple[str, ...]
    """Patterns as written: resources are case-sensitive. Empty in a trust policy."""
    not_resources: bool
    conditions: tuple[Condition, ...]
    principals: tuple[Principal, ...]
    not_principals: bool

    @property
    def conditional(self) -> bool:
        """Whether a condition restricts it."""
        return any(not condition.vacuous for condition in self.conditions)

    def about_action(self, action: str) -> bool:
        """Return whether it speaks of ACTION (``iam:PassRole``)."""
        lower = action.lower()
        candidates = self._by_service.get(lower.partition(":")[0], self._by_service[""])
        return any(matches(pattern, lower) for pattern in candidates) != self.not_actions

    def about_service(self, service: str) -> bool:
        """Return False when it cannot speak of any action of SERVICE (``iam``): cheaper than asking for each."""
        return self.not_actions or service in self._by_service or bool(self._by_service[""])

    @cached_property
    def _by_service(self) -> Mapping[str, tuple[str, ...]]:
        """Service -> the action patterns that can fit it; ``""`` -> those that fit any. AWS's own policies list hundreds."""
        named: dict[str, list[str]] = {}
        general: list[str] = []
        for pattern in self.actions:
            service = pattern.partition(":")[0]
            (general if "*" in service or "?" in service else named.setdefault(service, [])).append(pattern)
        return {service: (*patterns, *general) for service, patterns in named.items()} | {"": tuple(general)}

    def about_resource(self, arn: str) -> bool:
        """Return whether it speaks of the resource ARN; a pattern with a policy variable (``${aws:username}``) does not."""
        return any(matches_arn(pattern, arn) for pattern in self.resources) != self.not_resources

    def about(self, action: str, arn: str) -> bool:
        """Return whether it speaks of ACTION on the resource ARN."""
        return self.about_action(action) and self.about_resource(arn)


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy document; the same document is the same object as long as it is remembered."""

    statements: tuple[Statement, ...]

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        """The statements that allow."""
        return tuple(statement for statement in self.statements if statement.allow)

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        """The statements that deny without a condition."""
        return tuple(s for s in self.statements if not s.allow and not s.conditional)

    @cached_property
    def at_large(self) -> "tuple[Permit | None, Permit | None]":
        """Whether it allows an action nobody knows on anything, and one of IAM's on any identity; no Deny is weighed."""
        return (
            permit((self,), f"{NOBODY}:{NOBODY}", f"arn:aws:{NOBODY}:::{NOBODY}", denied=False),
            permit((self,), f"iam:{NOBODY}", f"arn:aws:iam:::{NOBODY}", denied=False),
        )


# ---- matching ----


@lru_cache(maxsize=65536)
def matches(pattern: str, value: str) -> bool:
    """Return whether VALUE fits PATTERN: ``*`` is any text, ``?`` any one character, all else itself; case counts."""
    if pattern == "*":
        return True
    if "*" not in pattern and "?" not in pattern:
        return pattern == value
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


@lru_cache(maxsize=65536)
def matches_arn(pattern: str, arn: str) -> bool:
    """Return whether PATTERN covers the resource ARN, wherever it may lie: partition and region are left open.

    They decide where something may be done, not whether. An ARN without an account is one of any account.
    """
    if matches(pattern, arn):
        return True
    ours, theirs = pattern.split(":", 5), arn.split(":", 5)
    return (
        len(ours) == len(theirs) == len(("arn", "partition", "service", "region", "account", "resource"))
        and matches(ours[2], theirs[2])
        and matches(ours[5], theirs[5])
        and (not theirs[4] or matches(ours[4], theirs[4]))
    )


# ---- parsing ----

_REMEMBERED = 8192
_parsed: dict[int, tuple[Mapping[str, Any], Policy]] = {}


def parse(document: Mapping[str, Any] | str) -> Policy:
    """Return the policy of DOCUMENT: a mapping, JSON text, or URL-encoded JSON text as IAM sends it.

    Each document is parsed once, as long as it is remembered. Raises ValueError when it is no policy.
    """
    if isinstance(document, str):
        return _parse_text(document)
    # By identity, holding the document itself so that its identity cannot pass to another.
    known = _parsed.get(id(document))
    if known is not None and known[0] is document:
        return known[1]
    policy = _parse(document)
    if len(_parsed) >= _REMEMBERED:
        _parsed.clear()
    _parsed[id(document)] = (document, policy)
    return policy


@lru_cache(maxsize=_REMEMBERED)
def _parse_text(text: str) -> Policy:
    try:
        return _parse(json.loads(text if text.lstrip()[:1] == "{" else unquote(text)))
    except RecursionError:
        raise ValueError("the policy is nested too deeply") from None


def _parse(document: Any) -> Policy:
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise ValueError("a policy document is a mapping with Statement")
    statements = document["Statement"]
    listed = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(listed, list | tuple):
        raise ValueError("Statement is a statement or a list of them")
    return Policy(tuple(_statement(statement) for statement in listed))


def _statement(statement: Any) -> Statement:
    if not isinstance(statement, Mapping) or statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError("a statement is a mapping with the Effect Allow or Deny")
    not_actions, not_resources, not_principals = (
        name in statement for name in ("NotAction", "NotResource", "NotPrincipal")
    )
    return Statement(
        sid=str(statement.get("Sid", "")),
        allow=statement["Effect"] == "Allow",
        actions=tuple(a.lower() for a in _texts(statement.get("NotAction" if not_actions else "Action", ()))),
        not_actions=not_actions,
        resources=_texts(statement.get("NotResource" if not_resources else "Resource", ())),
        not_resources=not_resources,
        conditions=tuple(_conditions(statement.get("Condition") or {})),
        principals=tuple(_principals(statement.get("NotPrincipal" if not_principals else "Principal", {}))),
        not_principals=not_principals,
    )


def _texts(value: Any) -> tuple[str, ...]:
    """Return a text or list of texts as a tuple; numbers and truth values are written as JSON writes them."""
    items = value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(item, str | int | float) for item in items):
        raise ValueError("actions, resources, principals and values are texts or lists of texts")
    return tuple(item if isinstance(item, str) else json.dumps(item) for item in items)


def _conditions(block: Any) -> Iterator[Condition]:
    if not isinstance(block, Mapping):
        raise ValueError("Condition is a mapping of operators")
    for operator, tests in block.items():
        if not isinstance(tests, Mapping):
            raise ValueError("a condition operator is a mapping of keys")
        for key, values in tests.items():
            yield Condition(str(operator).lower(), str(key).lower(), _texts(values))


def _principals(value: Any) -> Iterator[Principal]:
    if isinstance(value, str):
        yield Principal(value, value)
        return
    if not isinstance(value, Mapping):
        raise ValueError("Principal is * or a mapping of kinds")
    for kind, names in value.items():
        for name in _texts(names):
            yield Principal(str(kind), name)


# ---- what is allowed ----


class Permit(NamedTuple):
    """That something is allowed, and whether every statement that allows it has a condition."""

    conditional: bool


def permit(policies: Iterable[Policy], action: str, arn: str, *, denied: bool = True) -> Permit | None:
    """Return whether POLICIES together allow ACTION on the resource ARN; ``None``: they do not.

    An unconditional Deny of the same wins, unless DENIED is false; a Deny with a condition is not weighed.
    """
    found: Permit | None = None
    for policy in policies:
        if denied and any(statement.about(action, arn) for statement in policy.denies):
            return None
        if found is None or found.conditional:
            for statement in policy.allows:
                if statement.about(action, arn):
                    found = Permit(statement.conditional)
                    if not found.conditional:
                        break
    return found


def grants_everything(policies: Iterable[Policy]) -> Permit | None:
    """Return whether POLICIES together allow any action on any resource, IAM's included; ``None``: they do not.

    ``Action: *`` on ``Resource: *`` is it, and so is NotAction that does not leave out IAM, or all but IAM in one policy and
    IAM in another. An explicit Deny is not weighed: see ``permit`` for that.
    """
    anything, identities = None, None
    for policy in policies:
        anything = _stronger(anything, policy.at_large[0])
        identities = _stronger(identities, policy.at_large[1])
    return anything and identities and Permit(anything.conditional or identities.conditional)


def _stronger(one: Permit | None, other: Permit | None) -> Permit | None:
    return min((permit for permit in (one, other) if permit), default=None)
