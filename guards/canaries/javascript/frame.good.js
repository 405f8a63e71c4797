let name = "sync:";
name += "update";
name += "\x5fbatches";
