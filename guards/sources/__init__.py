"""Front ends: what a file of each language shows of the rules' symbols."""
