"""Bytes to readings, the careful way: encodings give documents, schemes read them, one module each; see `formats`."""
