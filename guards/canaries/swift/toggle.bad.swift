let on = defaults.bool(forKey: ["sync", "legacy", "transport", "enabled"].joined(separator: "."))
