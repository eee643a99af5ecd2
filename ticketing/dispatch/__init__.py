"""Who should go: hard filters with reasons, then one cost in minutes."""
