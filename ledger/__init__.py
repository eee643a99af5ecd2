"""Floor 0: a connection's scope, named SQL, the append-only log with its outbox, idempotency keys; no domain word."""
