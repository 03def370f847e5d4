"""Which accounts are scanned: those of the settings and of the organisation, narrowed by name or id."""

from collections.abc import Sequence

from auditor.config import AccountSettings, Settings
from auditor.errors import UsageError
from auditor.organization import Members, members_of
from auditor.tomlfile import nearest, shown

__all__ = ["accounts_of", "pick"]


def accounts_of(settings: Settings) -> Members:
    """Return the accounts to scan: those of ``[[accounts]]`` and of the organisation, else the one of ``[account]``.

    A member of the organisation that ``[[accounts]]`` names as well, by its id or role, is scanned as that says. Raises
    CredentialsError and UsageError when the organisation's accounts cannot be listed.
    """
    if not settings.organization.enabled:
        return Members(settings.accounts or (settings.account,), ())
    members, known = members_of(settings), {account.account_id for account in settings.accounts}
    others = tuple(account for account in members.accounts if account.account_id not in known)
    left_out = tuple((account, why) for account, why in members.left_out if account.account_id not in known)
    return Members((*settings.accounts, *others), left_out)


def pick(
    accounts: Sequence[AccountSettings],
    wanted: Sequence[str],
    left_out: Sequence[tuple[AccountSettings, str]] = (),
) -> tuple[AccountSettings, ...]:
    """Return those of ACCOUNTS whose id or name is WANTED, in their own order; all when nothing is wanted.

    Raises UsageError for one of LEFT_OUT, with why it is; with the nearest name for one that is none of them; and for a name
    that several have.
    """
    if not wanted:
        return tuple(accounts)
    picked: set[int] = set()
    for text in wanted:
        found = [n for n, account in enumerate(accounts) if text == account.account_id]
        found = found or [n for n, account in enumerate(accounts) if text == account.name]
        for account, why in left_out if not found else ():
            if text in (account.account_id, account.name):
                raise UsageError(f"account {shown(text)} is not scanned: {why}")
        if not found:
            raise UsageError(_nobody(accounts, text))
        if len(found) > 1:
            ids = ", ".join(accounts[number].account_id for number in found)
            raise UsageError(f"several accounts are called {shown(text)}: name one by its id ({ids})")
        picked.update(found)
    return tuple(account for number, account in enumerate(accounts) if number in picked)


def _nobody(accounts: Sequence[AccountSettings], text: str) -> str:
    names = [name for account in accounts for name in (account.name, account.account_id) if name]
    if near := nearest(text, names):
        hint = near
    elif text.isdecimal() and not all(account.account_id for account in accounts):
        hint = '; where only signing in would show an account\'s id, say it: id = "111122223333"'
    elif names:
        listed = [
            shown(account.name or account.account_id) for account in accounts if account.name or account.account_id
        ]
        hint = f"; there are {', '.join(listed[:8])}{', …' if len(listed) > 8 else ''}"
    else:
        hint = "; give the account a name or an id in config.toml"
    return f"no account is called {shown(text)}{hint}"
