"""What a run leaves: bundle, signoff, and the verification that judges them again."""
