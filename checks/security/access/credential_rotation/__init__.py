"""Rotation: rotate credentials regularly."""
