"""The evidence frozen at the yes: one canonical document and its sha256."""
