id = row["legacy" + "_user_id"]
