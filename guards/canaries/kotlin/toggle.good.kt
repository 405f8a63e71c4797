val id = account.getLong("%s_user_id".format("legacy"))
