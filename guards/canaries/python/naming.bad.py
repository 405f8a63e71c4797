"""A client of the service before."""

from app.vendor import convex_client as client
