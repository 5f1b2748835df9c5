"""Whether a FLAC file's header and its frames tell the same sample rate."""

from __future__ import annotations

# RFC 9639, section 8.1: one byte with the last-block flag and the type, three bytes of size.
_BLOCK_HEADER_BYTES = 4
_LAST_BLOCK = 0x80
# RFC 9639, section 8.2: the rate stands in 20 bits from here on, the STREAMINFO block being the first.
_RATE_OFFSET_BYTES = 18
# RFC 9639, section 9.1.2: the lower four bits of a frame's third byte.
_RATES = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)


def is_rate_sound(source: memoryview) -> bool:
    """Returns whether the first frame repeats the header's sample rate, or refers to it.

    Time ranges of a file whose header lies about the rate are not where they should be.

    Args:
        source: The file.
    """
    start, is_last = _BLOCK_HEADER_BYTES, False
    while not is_last and start + _BLOCK_HEADER_BYTES <= len(source):
        is_last = bool(source[start] & _LAST_BLOCK)
        start += _BLOCK_HEADER_BYTES + int.from_bytes(source[start + 1 : start + _BLOCK_HEADER_BYTES], "big")
    if start + _BLOCK_HEADER_BYTES > len(source):
        return False
    header_rate = int.from_bytes(source[_RATE_OFFSET_BYTES : _RATE_OFFSET_BYTES + 3], "big") >> 4
    code = source[start + 2] & 0x0F
    return code < len(_RATES) and _RATES[code] in (0, header_rate)
