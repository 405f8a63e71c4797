"""Whether a tree's documents agree with what there is: links, names of the contract, commands, archive, decisions."""
