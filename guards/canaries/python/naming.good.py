"""The convex hull of a polygon."""

from app.geometry import convex_hull
