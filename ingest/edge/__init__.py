"""Sparkplug's edge nodes: what they said in their births, so that what they say afterwards can be understood."""
