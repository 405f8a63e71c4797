"""A toggle by a joined name."""

NAME = "_".join(["SYNC", "LEGACY", "SOCKET", "ENABLED"])
