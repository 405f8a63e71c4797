ROOT = "/api/v1"
PATH = "#{ROOT}/sync/token"
