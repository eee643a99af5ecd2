"""Floor 3: readings become findings; memory only while thinking."""
