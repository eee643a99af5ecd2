"""Links for people without an account: single-purpose, expiring, bound to a recipient, hashed at rest."""
