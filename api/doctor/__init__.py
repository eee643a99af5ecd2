"""What is wrong with a setup, in plain sentences with the remedy."""
