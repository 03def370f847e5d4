"""config.toml to frozen settings; an unknown key or a bad value is an error with its place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import ConfigError
from auditor.tomlfile import TomlFile, nearest, quoted, shown

__all__ = [
    "ACCOUNT_ID",
    "AN_EXTERNAL_ID",
    "A_ROLE_ARN",
    "EXTERNAL_ID",
    "ROLE_ARN",
    "SLOWEST_RATE",
    "AccountSettings",
    "AttestationsSettings",
    "ChecksSettings",
    "LogSettings",
    "OrganizationSettings",
    "PricingSettings",
    "ReportSettings",
    "ScanSettings",
    "ScheduleSettings",
    "Settings",
    "StandardSettings",
    "StoreSettings",
    "WaiversSettings",
    "default_path",
    "load",
    "problems",
]

SLOWEST_RATE = 0.1
"""Calls a second, at least: with fewer no scan comes to an end, and its first questions hang."""
Region = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]+)+-\d$")]
ROLE_ARN = r"^$|^arn:aws[a-z-]*:iam::\d{12}:role/.+$"
"""What a role's ARN looks like; none is fine, too."""
A_ROLE_ARN = "a role's ARN (arn:aws:iam::111122223333:role/auditor)"
ACCOUNT_ID = r"^$|^\d{12}$"
"""What an account's id looks like; none is fine, too."""
EXTERNAL_ID = r"^$|^[A-Za-z0-9_+=,.@:/-]{2,1224}$"
"""What an external id looks like (API reference of STS, AssumeRole); none is fine, too."""
AN_EXTERNAL_ID = "2 to 1224 letters, digits and +=,.@:/-"
_MEMBER_ROLE = r"^(arn:(aws[a-z-]*|\{partition\}):iam::\{account\}:role/)?[\w+=,.@-]+(/[\w+=,.@-]+)*$"
_SHAPES = {
    "regions": "must name regions (eu-west-1)",
    "closed_regions": "must name regions (eu-west-1)",
    "role_arn": f"must be {A_ROLE_ARN}",
    "external_id": f"must be {AN_EXTERNAL_ID}",
    "id": "must be the 12 digits of an account's id",
    "role": "must be a role's name (aws-account-auditor), or its ARN with {account} for the account's id",
}
"""What a value with a pattern must look like, for people."""
Format = Literal["html", "md", "json", "csv", "ocsf", "asff", "sarif", "junit", "prometheus"]


class _Table(BaseModel):
    """A table of config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StoreSettings(_Table):
    """Where the auditor remembers."""

    url: str = ""
    """``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``; empty: an SQLite file in the user's data directory."""
    views: bool = False
    """Whether the views are written as plain tables, for BI tools, after each scan."""


class AccountSettings(_Table):
    """Which account is read, and as whom."""

    name: str = ""
    """What people call it; shown beside the account id."""
    id: Annotated[str, Field(pattern=ACCOUNT_ID)] = ""
    """Its 12 digits; when given, credentials that lead to another account are refused."""
    environment: str = ""
    """``production``, ``staging``, …: what people sort accounts by."""
    profile: str = ""
    role_arn: Annotated[str, Field(pattern=ROLE_ARN)] = ""
    external_id: Annotated[str, Field(pattern=EXTERNAL_ID)] = ""
    regions: tuple[Region, ...] = ()
    """Empty: all regions enabled in the account."""
    closed_regions: tuple[Region, ...] = ()
    """Regions that a service control policy closes: out of scope. Without this they count as not read."""
    via_role_arn: Annotated[str, Field(exclude=True)] = ""
    """A role that is assumed first, and ``role_arn`` from it. Set for members of an organisation, no key of the file."""
    via_external_id: Annotated[str, Field(exclude=True)] = ""

    @property
    def account_id(self) -> str:
        """The account's id as far as the settings know it: ``id``, or that of the role; else empty."""
        return self.id or (self.role_arn.split(":")[4] if self.role_arn else "")

    @property
    def title(self) -> str:
        """What to call it before anybody has signed in: its name, id or profile."""
        return self.name or self.account_id or self.profile or "the account of the default credentials"


class OrganizationSettings(_Table):
    """Which accounts of an AWS organisation are read. ``[account]`` has the credentials that may list them."""

    enabled: bool = False
    """Whether ``auditor scan`` reads the organisation's accounts; ``--organization`` does so once."""
    role: Annotated[str, Field(pattern=_MEMBER_ROLE)] = "aws-account-auditor"
    """The role that is assumed in each account: its name with its path, or an ARN with {partition} and {account}."""
    external_id: Annotated[str, Field(pattern=EXTERNAL_ID)] = ""
    units: tuple[str, ...] = ()
    """Only accounts in these units or below them: ids (``ou-…``, ``r-…``), names, or paths of names (``Workloads/Prod``)."""
    exclude_units: tuple[str, ...] = ()
    exclude_accounts: tuple[str, ...] = ()
    """Ids or names."""
    assume_in_own: bool = False
    """Whether the role is also assumed in the account that the credentials belong to."""


_NOT_KEYS = {"via_role_arn", "via_external_id"}


class ScanSettings(_Table):
    """How an account is read, and when a scan is a failure."""

    threads: Annotated[int, Field(ge=1, le=256)] = 32
    processes: Annotated[int, Field(ge=0, le=256)] = 0
    """How many accounts are read at once, each by a process of its own; 0: one per core."""
    deadline_minutes: Annotated[int, Field(ge=1)] = 180
    """What is not read by then counts as not read."""
    type_deadline_minutes: Annotated[int, Field(ge=1)] = 90
    """So long may reading one resource type in one region take; what is left then counts as not read."""
    max_rate: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """Calls a second in the whole account, ``SLOWEST_RATE`` at least; 0: no limit but each service's own."""
    gentle: bool = False
    """Whether only a quarter of each service's usual rate is used."""
    fail_on: Literal["critical", "high", "medium", "low", "info", "never"] = "never"
    """Findings of this severity or worse make the exit code 1."""
    min_coverage: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 100
    """Per cent of what was asked for; below it the scan is incomplete (exit code 3)."""
    cost_explorer: bool = True
    """Whether Cost Explorer is asked, which takes 0.01 USD a request; else what it knows is unknown."""
    resume_minutes: Annotated[int, Field(ge=0)] = 180
    """A scan that was cut short is continued where what it read is no older; 0: the next one starts over."""


class StandardSettings(_Table):
    """The organisation's own numbers."""

    overrides: tuple[str, ...] = ()
    """Files that change thresholds or add patterns, relative to config.toml; later ones win."""


class ChecksSettings(_Table):
    """Checks beside the shipped ones."""

    folders: tuple[str, ...] = ()
    """Folders of an organisation's own checks, relative to config.toml."""


class ReportSettings(_Table):
    """What is written after a scan."""

    output: str = "audit-reports"
    """The folder, relative to where the command is run."""
    formats: tuple[Format, ...] = ("html", "md", "json")
    max_length: Annotated[int, Field(ge=1000)] = 60_000
    """Characters a Markdown report may have."""


class PricingSettings(_Table):
    """Where list prices come from."""

    source: Literal["api", "embedded"] = "api"
    """``api``: AWS's Price List, kept in the store; ``embedded``: only the dated table that is shipped."""
    cache_days: Annotated[int, Field(ge=0)] = 7


class ScheduleSettings(_Table):
    """When ``auditor schedule run`` scans."""

    cron: str = "0 2 * * *"
    """Five fields: minute, hour, day of month, month, day of week."""
    timezone: str = "UTC"
    """An IANA name, ``Europe/Berlin``."""
    misfire_grace_minutes: Annotated[int, Field(ge=1)] = 60
    """A scan that could not start in time still starts within so many minutes; later it is caught up once."""


class WaiversSettings(_Table):
    """Findings that are accepted for a time."""

    files: tuple[str, ...] = ()
    """Files of waivers, relative to config.toml; empty: ``waivers.toml`` beside it, where there is one."""
    max_days: Annotated[int, Field(ge=1, le=36500)] = 365
    """For so many days from today a waiver may be given at most."""
    announce_days: Annotated[int, Field(ge=0, le=36500)] = 14
    """So many days before its end a waiver or an attestation is announced."""


class AttestationsSettings(_Table):
    """What people state where no API can show it."""

    files: tuple[str, ...] = ()
    """Files of attestations, relative to config.toml; empty: ``attestations.toml`` beside it, where there is one."""
    max_days: Annotated[int, Field(ge=1, le=36500)] = 365
    """For so many days from its date an attestation may be given at most."""


class LogSettings(_Table):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    """``json``: one object a line, and no progress display on a terminal."""


class Settings(_Table):
    """All of config.toml."""

    store: StoreSettings = StoreSettings()
    account: AccountSettings = AccountSettings()
    accounts: tuple[AccountSettings, ...] = ()
    """Several accounts; what one leaves out, ``[account]`` says for all."""
    organization: OrganizationSettings = OrganizationSettings()
    scan: ScanSettings = ScanSettings()
    standard: StandardSettings = StandardSettings()
    checks: ChecksSettings = ChecksSettings()
    report: ReportSettings = ReportSettings()
    pricing: PricingSettings = PricingSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    waivers: WaiversSettings = WaiversSettings()
    attestations: AttestationsSettings = AttestationsSettings()
    log: LogSettings = LogSettings()
    folder: Path = Field(default=Path(), exclude=True)
    """Where the file lies: its relative paths start there. Set by ``load``, no key of the file."""

    @property
    def several(self) -> bool:
        """Whether several accounts are scanned: then the reports of each lie in a folder of its own."""
        return bool(self.accounts) or self.organization.enabled

    def path(self, text: str) -> Path:
        """Return the path TEXT of the file, seen from the file's own folder."""
        return self.folder / Path(text).expanduser()


def default_path() -> Path:
    """Return where config.toml is looked for when none is named: here, else in the user's configuration directory."""
    import platformdirs

    here = Path("config.toml")
    return here if here.is_file() else Path(platformdirs.user_config_dir("auditor")) / "config.toml"


def load(path: Path | None) -> Settings:
    """Return the settings of the file at PATH; ``None``: of the default file, or the defaults when there is none.

    Raises ConfigError: file, line, what is wrong, the nearest valid name; the first of several, saying how many more.
    """
    if path is None:
        path = default_path()
        if not path.is_file():
            return Settings()
    faults, settings = _read(path)
    if settings is None:
        more = f" (and {len(faults) - 1} more: see `auditor config validate`)" if len(faults) > 1 else ""
        raise ConfigError(faults[0] + more)
    return settings


def problems(path: Path) -> list[str]:
    """Return everything that is wrong with the file at PATH, one line each; empty when it is valid."""
    return _read(path)[0]


def _read(path: Path) -> tuple[list[str], Settings | None]:
    try:
        file = TomlFile(path, ConfigError)
    except ConfigError as error:
        return [str(error)], None
    faults = _unknown(file)
    data = {name: table for name, table in file.data.items() if name in _TABLES or name == "accounts"}
    try:
        settings = _shared(Settings.model_validate({**_tuples(data), "folder": path.parent}))
        faults += [*_twice(file, settings.accounts), *_meaning(file, settings)]
    except ValidationError as error:
        faults += [_sentence(file, dict(fault)) for fault in error.errors() if fault["type"] != "extra_forbidden"]
        return faults, None
    return faults, None if faults else settings


_TABLES: Mapping[str, Any] = {
    name: field for name, field in Settings.model_fields.items() if name not in ("folder", "accounts")
}


def _unknown(file: TomlFile) -> list[str]:
    """Return a line for each table and key that does not exist."""
    faults = []
    for name, table in file.data.items():
        if name == "accounts":
            for number, entry in enumerate(table if isinstance(table, list) else ()):
                faults += _unknown_keys(file, (name, str(number)), "[accounts]", entry, _keys("account"))
        elif name in _TABLES:
            faults += _unknown_keys(file, (name,), name, table, _keys(name))
        else:
            faults.append(f"{file.place(name)}: there is no [{shown(name)}]{nearest(name, [*_TABLES, 'accounts'])}")
    return faults


def _keys(table: str) -> list[str]:
    return [key for key in _TABLES[table].annotation.model_fields if key not in _NOT_KEYS]


def _unknown_keys(file: TomlFile, place: Sequence[str], name: str, table: Any, keys: Sequence[str]) -> list[str]:
    return [
        f"{file.place(*place, key)}: [{name}] has no {shown(key)}{nearest(key, keys)}"
        for key in (table if isinstance(table, dict) else ())
        if key not in keys
    ]


def _shared(settings: Settings) -> Settings:
    """Return SETTINGS with what each of the accounts leaves out as ``[account]`` says it for all."""
    common = settings.account.model_dump(include=settings.account.model_fields_set - {"name", "id"})
    merged = tuple(
        entry.model_copy(update={key: value for key, value in common.items() if key not in entry.model_fields_set})
        for entry in settings.accounts
    )
    return settings.model_copy(update={"accounts": merged})


def _twice(file: TomlFile, accounts: Sequence[AccountSettings]) -> list[str]:
    """Return what is wrong among several accounts: two that are the same, an id that is not its role's."""
    faults: list[str] = []
    alike = {
        "name": [account.name for account in accounts],
        "id": [account.account_id for account in accounts],
        "profile and role_arn": ["" if a.account_id else f"{a.profile}\0{a.role_arn}" for a in accounts],
    }
    for number in range(len(accounts)):
        for what, values in alike.items():
            if values[number] and values[number] in values[:number]:
                first = file.place("accounts", str(values.index(values[number]))).removeprefix(f"{file.path}:")
                place = file.place("accounts", str(number))
                faults.append(f"{place}: [[accounts]] has the same {what} as that of line {first}")
                break
    for number, account in enumerate(accounts):
        if account.id and account.role_arn and account.role_arn.split(":")[4] != account.id:
            said = f"accounts.id is {account.id}, and its role is of {account.role_arn.split(':')[4]}"
            faults.append(f"{file.place('accounts', str(number), 'id')}: {said}")
    return faults


def _tuples(value: Any) -> Any:
    """Return VALUE with lists as tuples: TOML has lists, the settings are frozen."""
    if isinstance(value, dict):
        return {key: _tuples(held) for key, held in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _sentence(file: TomlFile, fault: Mapping[str, Any]) -> str:
    """Return one of pydantic's faults as a line: file, line, table, key, what is wrong."""
    loc = fault["loc"]
    place = [str(part) for part in loc[: 3 if loc[0] == "accounts" else 2]]
    name = ".".join(part for part in place if not part.isdecimal())
    if loc == ("accounts",):
        return (
            f"{file.place(*place)}: several accounts are written as tables [[accounts]], not {quoted(fault['input'])}"
        )
    wanted = {
        "string_type": "must be a text",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "tuple_type": "must be a list",
        "model_type": "must be a table",
        "model_attributes_type": "must be a table",
        "greater_than_equal": f"must be at least {fault.get('ctx', {}).get('ge')}",
        "less_than_equal": f"must be at most {fault.get('ctx', {}).get('le')}",
        "string_pattern_mismatch": _SHAPES.get(place[-1], fault["msg"]),
    }.get(fault["type"], fault["msg"].replace("Input should be", "must be").replace("String should", "must"))
    return f"{file.place(*place)}: {name} {wanted}, not {quoted(fault['input'])}"


def _meaning(file: TomlFile, settings: Settings) -> list[str]:
    """Return what is well-formed and yet cannot be: a time zone that does not exist, a cron line that cannot be read."""
    import zoneinfo

    faults = []
    schedule = settings.schedule
    try:
        zoneinfo.ZoneInfo(schedule.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(schedule.timezone, zoneinfo.available_timezones())
        faults.append(f"{file.place('schedule', 'timezone')}: there is no time zone {quoted(schedule.timezone)}{hint}")
    if len(schedule.cron.split()) != 5:
        faults.append(
            f"{file.place('schedule', 'cron')}: schedule.cron needs five fields (minute hour day month weekday), "
            f"not {quoted(schedule.cron)}"
        )
    if 0 < settings.scan.max_rate < SLOWEST_RATE:
        faults.append(
            f"{file.place('scan', 'max_rate')}: scan.max_rate must be 0 or at least {SLOWEST_RATE}, "
            f"not {settings.scan.max_rate:g}"
        )
    for name, key, texts in (
        ("standard", "overrides", settings.standard.overrides),
        ("checks", "folders", settings.checks.folders),
        ("waivers", "files", settings.waivers.files),
        ("attestations", "files", settings.attestations.files),
    ):
        missing = [settings.path(text) for text in texts if not settings.path(text).exists()]
        faults += [f"{file.place(name, key)}: {name}.{key}: there is no {path}" for path in missing]
    return faults
