"""Whose a device's certificate is: what NATS has verified, read as far as its names (X.509, RFC 5280, in DER)."""

import base64
from collections.abc import Iterator

_SEQUENCE = 0x30
_EXTENSIONS = 0xA3  # [3] of the certificate
_URI = 0x86  # [6] of a general name
_COMMON_NAME, _ALTERNATIVE_NAMES = b"\x55\x04\x03", b"\x55\x1d\x11"
_SUBJECT = 4  # of the sequences that stand in a certificate: algorithm, issuer, validity before it are 1, 2, 3
_PREFIX = "foremend:"  # of a URI that names a device's client id: a common name ends after 64 characters


def names(pem: str) -> frozenset[str]:
    """The client ids that it is for; empty for what cannot be read."""
    try:
        body = "".join(line for line in pem.splitlines() if "-" not in line)
        ((_, certificate),) = _parts(base64.b64decode(body, validate=True))
        inner = [*_parts(next(content for tag, content in _parts(certificate) if tag == _SEQUENCE))]
        sequences = [content for tag, content in inner if tag == _SEQUENCE]
        extensions = next((content for tag, content in inner if tag == _EXTENSIONS), b"")
        return frozenset({*_common(sequences[_SUBJECT - 1]), *_alternative(extensions)})
    except (ValueError, IndexError, StopIteration):
        return frozenset()


def _common(subject: bytes) -> Iterator[str]:
    for _, relative in _parts(subject):
        for _, pair in _parts(relative):
            (_, kind), (_, value) = _parts(pair)
            if kind == _COMMON_NAME:
                yield value.decode()


def _alternative(extensions: bytes) -> Iterator[str]:
    for _, listed in _parts(extensions):
        for _, extension in _parts(listed):
            (_, kind), *_, (_, value) = _parts(extension)
            if kind == _ALTERNATIVE_NAMES:
                uris = (said.decode() for _, general in _parts(value) for tag, said in _parts(general) if tag == _URI)
                yield from (uri.removeprefix(_PREFIX) for uri in uris if uri.startswith(_PREFIX))


def _parts(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands in it, one after the other. Raises ValueError, IndexError for what ends early."""
    at = 0
    while at < len(text):
        tag, length, at = text[at], text[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(text[at : at + octets]), at + octets
        if at + length > len(text):
            raise ValueError("it ends early")
        yield tag, text[at : at + length]
        at += length
