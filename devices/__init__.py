"""Floor 1: who exists, what it measures, who owns it, which label it wears."""
