let id = defaults.integer(forKey: "legacy_user_id")
