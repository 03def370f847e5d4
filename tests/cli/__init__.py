"""Tests of the commands. A package, for a library brings one of this name too, and tests come first."""
