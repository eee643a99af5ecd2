"""What people report, by any channel, through one gate."""
