"""What a device shall be like and what it says it is; what it is told to do and what came of it."""
