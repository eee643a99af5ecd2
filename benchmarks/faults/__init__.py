"""Faults on purpose, under load, with the real engines; afterwards the ledger must balance."""
