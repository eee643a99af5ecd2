"""May a webhook go there? What a subscriber names must lie outside: not this machine, not its network."""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_HANDED_OUT = IPv6Network("2000::/3")  # what else there is of IPv6 carries IPv4 (64:ff9b::, ::ffff:0:) or is local
_DISGUISE = IPv6Network("2002::/16")  # IPv4 inside IPv6, private ones too


def refuse_url(url: str) -> str | None:
    """Why this address cannot be a webhook's, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https"):
        return "only http and https"
    if not parts.hostname:
        return "no host"
    if port == 0:
        return "no port"
    if parts.username is not None or parts.password is not None:
        return "no user in the address: the signature says who sends"
    return None


def refuse_addresses(addresses: Iterable[str]) -> str | None:
    """Which of those that the name resolves to may not be called, or None. One private address is enough."""
    return next((text for text in addresses if not _outside(text)), None)


def _outside(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _outside(str(address.ipv4_mapped))
        if address not in _HANDED_OUT or address in _DISGUISE:
            return False
    return address.is_global and not address.is_multicast
