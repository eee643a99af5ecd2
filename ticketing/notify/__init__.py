"""Who hears of an event: destinations, the retry ladder, and the ways out (HTTP, SMTP)."""
