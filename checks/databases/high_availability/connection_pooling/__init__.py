"""Connection pooling: databases are reached through pools, and their connection limit is far."""
