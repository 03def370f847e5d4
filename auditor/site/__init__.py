"""A site over all stored scans and accounts: static files that are brought up to date, not made anew."""

from auditor.site.build import Built, build_site
from auditor.site.folder import SiteFolder

__all__ = ["Built", "SiteFolder", "build_site"]
