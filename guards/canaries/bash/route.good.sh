ROOT=/api
curl --fail -X POST "$BASE${ROOT}/sync/token"
