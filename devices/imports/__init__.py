"""Many devices at once: from a CSV file into the registry, and out of it again."""
