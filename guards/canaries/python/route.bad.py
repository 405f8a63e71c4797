"""A route by the percent operator."""

PATH = "/api/%s/%s/token" % ("v1", "spacetime")
