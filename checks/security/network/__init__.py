"""Checks of the group Network Security."""
