"""The only room that knows boto3: accounts and sessions, clients, the read-only guard, errors in families, permissions.

``answer``, ``faults`` and ``permissions`` import no AWS library, so that the queue and ``auditor policy`` start at once.
"""
