"""Scans and tapes: records what a connection answers, and opens a tape in a connection's place."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from auditor import __version__
from auditor.aws.masking import Mask
from auditor.aws.replaying import ReplayedConnection, Together
from auditor.aws.session import Connection
from auditor.aws.tape import Header, TapeWriter, unroll
from auditor.collect.declare import Batch, ResourceType
from auditor.scan import ScanRequest
from auditor.selection import EVERYTHING, Selection
from auditor.standard import Standard

__all__ = ["Tape", "asked_on_tape", "recording", "replayed"]


@dataclass(frozen=True, slots=True)
class Tape:
    """The tape of a scan: one it is written to, or one it is read from."""

    path: Path
    replay: bool = False
    """Whether the scan is of the tape, and not of an account."""
    mask: bool = False
    """Whether account ids, names, tags and addresses are replaced on the way onto the tape."""


@contextmanager
def recording(connection: Connection, tape: Tape, request: ScanRequest, standard: Standard) -> Iterator[TapeWriter]:
    """Have every answer of CONNECTION kept on TAPE until the end. Raises TapeError when the file cannot be made.

    On a masked tape the values of tags that STANDARD speaks of stay, so that it comes to the same verdicts.
    """
    mask = Mask(_words(standard)) if tape.mask else None
    header = Header(
        recorded_at=datetime.now(UTC),
        program=__version__,
        region=connection.region,
        regions=request.regions,
        closed_regions=request.closed_regions,
        account_name="" if tape.mask else request.account_name,
        selection=request.selection.as_mapping(),
        cost_explorer=request.cost_explorer,
        masked=tape.mask,
    )
    writer = TapeWriter(tape.path, header)
    connection.record(writer, mask.line if mask else None)
    try:
        yield writer
    finally:
        writer.close()


def _words(standard: Standard) -> Iterator[str]:
    """Yield the words among a standard's numbers; of ``key=value`` the value."""
    for pattern in standard:
        for value in pattern.thresholds.values():
            found = value.items() if isinstance(value, Mapping) else [value] if isinstance(value, str) else value
            for item in found if isinstance(found, Iterable) else ():
                for word in item if isinstance(item, tuple) else (item,):
                    if isinstance(word, str):
                        yield word.rpartition("=")[2]


@contextmanager
def replayed(tape: Tape, types: Mapping[str, ResourceType]) -> Iterator[ReplayedConnection]:
    """Open TAPE in a connection's place. Raises TapeError, in one line, for what is no tape, or damaged."""
    together = {
        (detail.call.service, detail.call.operation): Together(detail.ids, detail.call.result, detail.match)
        for type in types.values()
        for detail in type.details.values()
        if isinstance(detail, Batch)
    }
    unrolled = unroll(tape.path)
    try:
        yield ReplayedConnection(unrolled, together)
    finally:
        unrolled.close()


def asked_on_tape(request: ScanRequest, connection: ReplayedConnection) -> ScanRequest:
    """Return REQUEST with what the recorded scan had been asked; regions and a selection of its own narrow it further."""
    header = connection.header
    selection = request.selection
    if replace(selection, regions=()) == EVERYTHING:
        recorded = Selection.from_mapping(header.selection)
        selection = replace(recorded, regions=selection.regions or recorded.regions)
    return replace(
        request,
        account_name=header.account_name,
        regions=request.regions or header.regions,
        closed_regions=header.closed_regions,
        selection=selection,
        cost_explorer=header.cost_explorer,
        tape=f"{connection.tape.path.name}, recorded {header.recorded_at:%Y-%m-%d %H:%M} UTC"
        + (", masked" if header.masked else "")
        + ("" if connection.tape.whole else ", cut off before its end"),
    )
