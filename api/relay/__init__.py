"""The relay: what was decided goes out, and what devices and people are asked is asked."""
