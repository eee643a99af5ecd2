"""Floor 2: bytes become readings; readings are kept and read back."""
