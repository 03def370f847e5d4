"""Frozen dataclasses that are made by the hundred thousand: as frozen as others, made and pickled in a fraction of the time."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

__all__ = ["quick"]

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Return CLS, a dataclass with ``frozen`` and ``slots``, with a ``__new__`` in place of its ``__init__`` and a ``__reduce__``.

    They do the same faster: what dataclasses generate looks up ``object.__setattr__`` for each field, and walks the fields by
    name to pickle. Here the new object is one of a class with the same slots and no lock while its fields are set, and only
    then of CLS.
    """
    own = fields(cls)  # type: ignore[arg-type]
    opened = type(f"_{cls.__name__}BeingMade", (), {"__slots__": tuple(field.name for field in own)})
    names: dict[str, Any] = {"opened": opened, "new": object.__new__, "cls": cls, "missing": MISSING}
    given, body = ["_"], ["self = new(opened)"]
    for field in own:
        name = field.name
        if field.default_factory is not MISSING:
            names[f"make_{name}"] = field.default_factory
            given.append(f"{name}=missing")
            body.append(f"self.{name} = make_{name}() if {name} is missing else {name}")
            continue
        if field.default is not MISSING:
            names[f"default_{name}"] = field.default
            given.append(f"{name}=default_{name}")
        else:
            given.append(name)
        body.append(f"self.{name} = {name}")
    body += ["self.__class__ = cls", "return self"]
    values = "".join(f"self.{field.name}, " for field in own)
    source = f"def __new__({', '.join(given)}):\n" + "".join(f"    {line}\n" for line in body)
    source += f"def __reduce__(self):\n    return cls, ({values})\n"
    exec(source, names)  # noqa: S102  (as dataclasses itself does; names come from our own classes)
    for method in ("__new__", "__reduce__"):
        made: Callable[..., Any] = names[method]
        made.__qualname__ = f"{cls.__qualname__}.{method}"
        setattr(cls, method, made)
    del cls.__init__
    return cls
