"""Texts from an account made fit to be shown: nothing invisible, nothing endless; and the few words all formats share."""

import functools
import json
import re
from datetime import UTC, datetime

__all__ = [
    "LONGEST",
    "amount",
    "brief",
    "clean",
    "clean_all",
    "json_text",
    "moment",
    "number",
    "plural",
    "score_text",
    "service",
    "short",
    "type_words",
    "visible",
    "word",
]

# C0, C1, soft hyphen and all other format characters (bidirectional marks, zero-width ones, tags), line and paragraph
# separators, lone surrogates, noncharacters: what a reader cannot see, or what changes what a reader sees.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""Return TEXT with every control, bidirectional and other invisible character as an escape one can see (``\u202e``)."""
    return text if text.isprintable() and text.isascii() else _INVISIBLE.sub(_escape, text)


@functools.lru_cache(maxsize=4096)
def word(text: str) -> str:
    """Return ``visible(TEXT)``, remembered: for what stands in thousands of findings (types, regions, fields, tags)."""
    return visible(text)


def short(text: str, length: int = 80) -> str:
    """Return TEXT in at most LENGTH characters, with its middle left out where it is longer."""
    if len(text) <= length:
        return text
    tail = (length - 1) * 2 // 5
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"


LONGEST = 20_000
"""Characters of one text from an account that a report keeps; longer ones lose their middle."""


def clean(text: str) -> str:
    """Return TEXT itself where it is plain and not endless, else what readers may see of it."""
    return visible(short(text, LONGEST))


def clean_all(texts: list[str]) -> list[str]:
    """Return ``clean`` of each: TEXTS itself where all are plain, for which they are looked at together."""
    joined = "".join(texts)
    if joined.isascii() and joined.isprintable() and (len(joined) <= LONGEST or max(map(len, texts)) <= LONGEST):
        return texts
    return list(map(clean, texts))


def brief(text: str, length: int) -> str:
    """Return prose in at most LENGTH characters: a longer one ends after a whole sentence, else after a whole word, with ``…``."""
    if len(text) <= length:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, length - 1)]
    if ends and ends[-1] >= length // 3:
        return f"{text[: ends[-1]]} …"
    words = text[:length].rpartition(" ")[0].rstrip(" ,;:(-\N{EN DASH}")
    # One endless word has no end to cut at.
    return f"{words}…" if len(words) >= length // 3 else short(text, length)


_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)[.!?](?=\s)")
"""Where a sentence ends; a point within a name or a number ends none."""


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_PLAIN = frozenset((str, int, float, bool))


def json_text(value: object) -> str:
    """Return a fact's value for people: texts as they are, lists of plain values with commas, the rest as JSON."""
    if isinstance(value, str):
        return visible(value) or "empty"
    if type(value) is int:  # most facts are texts and numbers
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
        if not items:
            return "none"
        if _PLAIN.issuperset(map(type, items)) or all(isinstance(item, str | int | float) for item in items):
            return ", ".join(map(json_text, items))
        value = items
    if value is None:
        return "none"
    return visible(_JSON.encode(value))


def moment(when: datetime | None) -> str:
    """Return WHEN as ``2026-06-15 03:00 UTC``; empty for ``None``."""
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(when: datetime | None) -> str:
    """Return WHEN's date in UTC, ``2026-06-15``; empty for ``None``."""
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%d")


def number(value: float) -> str:
    """Return a count with thousands set apart: ``12,345``."""
    return f"{value:,.0f}"


def amount(usd: float | None, places: int = 2) -> str:
    """Return USD as ``$1,234.50``; ``not priced`` for ``None``."""
    return "not priced" if usd is None else f"${usd:,.{places}f}"


def plural(count: int, word: str, many: str = "") -> str:
    """Return ``1 finding``, ``2 findings``."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def score_text(value: float | None) -> str:
    """Return a score without its fraction (61.9 is 61: it never looks like the next grade); a dash for ``None``."""
    return "\N{EN DASH}" if value is None else str(int(value))


_SERVICES = {
    "ARCRegionSwitch": "ARC Region switch",
    "ARCZonalShift": "ARC zonal shift",
    "AutoScaling": "Auto Scaling",
    "CE": "Cost Explorer",
    "ElasticLoadBalancing": "ELB (classic)",
    "ElasticLoadBalancingV2": "ELB",
    "SecretsManager": "Secrets Manager",
    "Logs": "CloudWatch Logs",
    "Events": "EventBridge",
    "ComputeOptimizer": "Compute Optimizer",
    "DLM": "Data Lifecycle Manager",
    "DRS": "Elastic Disaster Recovery",
    "DocDB": "DocumentDB",
    "FIS": "Fault Injection Service",
    "OpenSearchService": "OpenSearch Service",
    "Route53": "Route 53",
    "SavingsPlans": "Savings Plans",
    "WAFv2": "WAF",
}

_SHORT = {"ElasticLoadBalancing": "ELB classic", "ElasticLoadBalancingV2": "ELB"}


def service(type: str) -> str:
    """Return the service a resource type belongs to, as people call it: ``RDS``."""
    parts = type.split("::")
    if len(parts) < 3:
        return parts[0] if len(parts) == 2 else "Other"
    return _SERVICES.get(parts[1], parts[1]) or "Account"


def type_words(type: str) -> str:
    """Return a resource type without its punctuation: ``RDS DBInstance``."""
    parts = [part for part in type.split("::") if part]
    if len(parts) > 1 and parts[0] == "AWS":
        del parts[0]
    if len(parts) == 2:
        owner, kind = parts
        return kind if kind.startswith(owner) else f"{_SHORT.get(owner, owner)} {kind}"
    return " ".join(parts)
