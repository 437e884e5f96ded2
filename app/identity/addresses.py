"""Network addresses, kept only as far as counting needs: as keyed tags that nobody reads back without the key. Pure."""

import hmac
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address


def tag(key: bytes, address: str) -> bytes:
    """What stands for an address in the tables that count: the first 16 bytes of an HMAC-SHA256.

    One subscriber has a whole /64 of IPv6 to choose from, so all of it counts as one address.
    """
    return hmac.digest(key, _network(address).encode(), "sha256")[:16]


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        plain: IPv4Address | None = known.ipv4_mapped
        return str(plain) if plain else str(IPv6Network((int(known), 64), strict=False))
    return str(known)
