"""Database Patterns: do databases survive a failure, and can they be restored?"""
