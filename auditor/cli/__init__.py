"""The command line: parse, call one function, print. Each command's module is imported when it is called."""

import gc
import importlib
import signal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from auditor import __version__
from auditor.cli.encoding import fit_encoding, open_closed_streams
from auditor.cli.hangup import ending_signals, hung_up
from auditor.errors import AuditorError, Interrupted

__all__ = ["main"]

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "scan": ("scan", "Read an account, judge it and write the reports."),
    "report": ("report", "Write the reports of a stored scan."),
    "site": ("site", "Keep a site over all stored scans and accounts, as static files."),
    "evaluate": ("evaluate", "Judge a stored scan again by today's standard; no AWS call."),
    "scans": ("scans", "List the stored scans."),
    "findings": ("findings", "List the findings of a stored scan."),
    "query": ("query", "Ask anything: SQL over what the store knows."),
    "waive": ("waive", "Accept findings for a time."),
    "waivers": ("waivers", "List, revoke and validate what is accepted."),
    "attest": ("attest", "State what no API can show."),
    "attestations": ("attestations", "List, revoke and validate what people state."),
    "evidence": ("evidence", "Show dated facts that AWS has forgotten."),
    "trend": ("trend", "Show how an account goes, night by night."),
    "resources": ("resources", "List what a scan found; show a resource with its history."),
    "diff": ("diff", "Say what differs between two scans or dates."),
    "export": ("export", "Write what the store knows for a data lake: Parquet or JSON lines."),
    "checks": ("checks", "List and explain the checks."),
    "standard": ("standard", "Show and validate the standard."),
    "policy": ("policy", "Print the exact IAM policy a scan needs."),
    "doctor": ("doctor", "Say what is missing: credentials, permissions, regions, store, configuration."),
    "config": ("config", "Write and validate config.toml."),
    "db": ("db", "Look after the store."),
    "schedule": ("schedule", "Scan by the clock."),
    "demo": ("demo", "Try it on a simulated account, without AWS."),
}
"""Command -> its module in auditor.cli, and its line in the help: so that the help imports none of them."""


class _Commands(click.Group):
    """Commands that are imported when they are called, and errors that are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"auditor.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from auditor.tomlfile import nearest, shown

            hint = nearest(args[0], _COMMANDS)
            raise click.UsageError(f"there is no command {shown(args[0])}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. A reader that has seen enough (head, less) ends the output, not the program's sense."""
        before = _ended_as_interrupted()
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            from auditor.cli.terminal import discard_output

            discard_output()
            return 0
        except KeyboardInterrupt:
            raise Interrupted("interrupted; what was read and stored is kept") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return code

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; whatever goes wrong becomes one line on standard error and an exit code."""
        kwargs["standalone_mode"] = False
        kwargs["prog_name"] = "auditor"
        # An inventory is many objects and few cycles: looking for those seldom saves a third of the time of judging.
        gc.set_threshold(50_000, 20, 50)
        open_closed_streams()
        # Whatever the account holds can be printed, in any encoding of the terminal.
        fit_encoding()
        if _objects_asked(kwargs.get("args", args[0] if args else None)):
            from auditor.cli.loglines import set_up_logging

            set_up_logging("error", "json")  # before the command does: until then something may be wrong, too
        try:
            code = super().main(*args, **kwargs)
        except AuditorError as error:
            code = _complain(str(error), error.exit_code)
        except click.exceptions.Exit as done:
            code = done.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = 2
        except click.UsageError as error:
            hint = f" (`{error.ctx.command_path} --help` shows how)" if error.ctx else ""
            code = _complain(error.format_message() + hint, 2)
        except click.ClickException as error:
            code = _complain(error.format_message(), error.exit_code)
        except click.Abort:
            code = _complain("interrupted", 130)
        except OSError as error:
            code = _complain(f"{error.filename or 'the output'}: {error.strerror or error}", 4)
            _discard_if_full()
        except Exception as error:  # noqa: BLE001  (a fault of ours must not end with the exit code of findings)
            code = _bug(error)
        sys.exit(code if isinstance(code, int) else 0)


def _objects_asked(given: Sequence[str] | None) -> bool:
    """Whether the arguments GIVEN (``None``: the program's) ask for JSON log lines, be they understood or not."""
    said = sys.argv[1:] if given is None else given
    return "--log-format=json" in said or ("--log-format", "json") in pairwise(said)


def _ended_as_interrupted() -> dict[int, Any]:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does (PID 1 of a container would not even end).

    Returns what they meant before.
    """

    def end(number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            hung_up()
        raise KeyboardInterrupt

    try:
        return {n: signal.signal(n, end) for n in ending_signals() if n != signal.SIGINT}
    except ValueError:  # not the main thread
        return {}


def _complain(message: str, code: int) -> int:
    from auditor.cli.terminal import complain

    complain(message)
    return code


def _discard_if_full() -> None:
    """Forget output that cannot be written, else Python complains once more at its end."""
    from auditor.cli.terminal import discard_output

    try:
        sys.stdout.flush()
    except OSError:
        discard_output()


def _bug(error: Exception) -> int:
    import logging
    import traceback

    from auditor.cli.terminal import object_handler, plain

    if object_handler():
        logging.getLogger("auditor").error("it broke", exc_info=error)
    else:
        for line in "".join(traceback.format_exception(error)).splitlines():
            click.echo(f"    {plain(line)}", err=True)
    return _complain(f"this is a fault of the auditor, please report it: {type(error).__name__}: {error}", 4)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="auditor")
def main() -> None:
    """Hold a live AWS account against your own infrastructure standard.

    Exit codes: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage or configuration; 3 the scan is
    incomplete; 4 fatal; 130 interrupted (docs/exit-codes.md).
    """
