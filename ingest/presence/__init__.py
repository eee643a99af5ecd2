"""Who of the devices is there, and what was out: facts for people and for whoever builds alerts on them."""
