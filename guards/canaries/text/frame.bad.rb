EVENT = "phx_" + "join"
