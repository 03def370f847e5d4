"""Which formats need a library that is not always installed."""

import importlib.util
from collections.abc import Iterable

from auditor.errors import ReportError

__all__ = ["LIBRARIES", "require"]

LIBRARIES = {"junit": "junitparser", "ocsf": "py_ocsf_models", "prometheus": "prometheus_client"}
"""Format -> the library it is written by; the extra ``formats`` brings them all."""


def require(formats: Iterable[str]) -> None:
    """Raise ReportError, saying how to get it, when a library of one of FORMATS is missing."""
    for format in formats:
        library = LIBRARIES.get(format)
        if library and not importlib.util.find_spec(library):
            raise ReportError(f"the report format {format} needs its extra: pip install 'aws-account-auditor[formats]'")
