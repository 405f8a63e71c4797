"""A longer word by an f-string."""

FAMILY = "phx"
EVENT = f"{FAMILY}_joined"
