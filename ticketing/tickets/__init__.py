"""The work that was agreed on: states, the one function that moves them, the number."""
