val event = listOf("phx", "joined").joinToString("_") // not phx_join
