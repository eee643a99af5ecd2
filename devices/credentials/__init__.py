"""With what a device signs in at a broker: issued once, rotated without a gap, revoked at once."""
