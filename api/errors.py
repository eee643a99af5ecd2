"""Errors of the roof itself."""


class SettingsError(Exception):
    """What the environment says is not what a process can be told; the sentence names each variable."""
