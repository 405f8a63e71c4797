"""A column of old."""

NAME = "_".join(["legacy", "user", "id"])
