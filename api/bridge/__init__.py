"""The bridge: what another broker keeps for us goes into the log."""
