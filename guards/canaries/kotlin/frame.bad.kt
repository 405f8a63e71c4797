val event = listOf("phx", "join").joinToString("_")
