"""A check's own cases as its page shows them."""

import json
from typing import Any

from auditor.kit import Case, Check

__all__ = ["case_json", "shown_case"]

LONG = 6
"""A longer list is shown in part."""
WIDTH = 100


def shown_case(check: Check, case: Case) -> dict[str, Any]:
    """Return a case as its page shows it: the document, and what it is joined to under the types' names."""
    shown: dict[str, Any] = {"type": case.type} if len(check.on) > 1 and case.type else {}
    shown |= case.document
    shown |= {field: f"could not be read: {gap}" for field, gap in case.gaps.items()}
    shown |= {"tags": dict(case.tags)} if case.tags else {}
    for type, documents in case.related.items():
        shown[f"related {type}"] = [{"region" if k == "#region" else k: v for k, v in d.items()} for d in documents]
    for account, types in case.elsewhere.items():
        shown |= {f"in account {account}: {type}": list(documents) for type, documents in types.items()}
    return shown | {f"related {type}": "could not be read" for type in case.unread}


def case_json(value: Any, indent: int = 0) -> str:
    """Return VALUE as JSON, broken only where a line would be longer than the page, with long lists in part."""
    flat = json.dumps(value, default=dict, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list | tuple):
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inner = [f"{pad}{case_json(str(key))}: {case_json(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner) + f"\n{' ' * indent}}}"
    shown = value if len(value) <= LONG else [*value[: LONG // 2], f"… and {len(value) - LONG // 2} more"]
    return "[\n" + ",\n".join(f"{pad}{case_json(item, indent + 2)}" for item in shown) + f"\n{' ' * indent}]"
