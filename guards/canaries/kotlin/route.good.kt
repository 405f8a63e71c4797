const val LEAF = "token"
val path = "/api/sync/$LEAF"
