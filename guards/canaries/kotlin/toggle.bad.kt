val on = remote.getBoolean("%s_legacy_socket".format("use"))
