"""The canonical route; /api/v1/spacetime/token is gone."""

PATH = "/api/%s/%s" % ("sync", "token")
