"""Cost alerts: Alert on cost anomalies."""
