"""The findings in the formats of other programs; each module renders one from the same view."""
