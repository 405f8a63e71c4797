ROOT=/api/v1
curl --fail -X POST "$BASE${ROOT}/sync/token"
