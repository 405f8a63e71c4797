# after phx_join
EVENT = "phx_" + "joined"
