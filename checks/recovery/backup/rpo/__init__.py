"""RPO: at most one hour of data is lost, measured by the age of the newest point that can be restored."""
