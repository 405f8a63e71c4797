const val VERSION = "v1"
val path = "/api/$VERSION/sync/token"
