"""Reads a live AWS account, keeps what it read, judges it against your own standard and reports what it found."""

__version__ = "0.1.0"
