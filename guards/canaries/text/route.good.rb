ROOT = "/api"
PATH = "#{ROOT}/sync/token"
