"""Sites: where devices share power and network, with an address, a time zone and a point."""
