"""Pages for the desk and for engineers: on loopback only, until sign-in exists."""
