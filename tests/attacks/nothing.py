"""Deflate that takes its time and yields nothing: blocks without content, each with codes of its own."""

import zlib

# A block of RFC 1951 section 3.2.7 with codes of its own and nothing in it, from the first bit on: 90 bits, of which
# four are 45 bytes. The codes' lengths are 138 and 118 zeros, 1 for the end of the block, and 1 for a distance.
EMPTY_BLOCK = "".join((
    "0", "01",  # not the last; HUFFMAN codes of its own (BTYPE 10, low bit first)
    "00000", "00000", "0111",  # 257 literals, 1 distance, 18 lengths of lengths
    "000", "000", "100", *["000"] * 14, "100",  # of these, 18 and 1 have 1 bit: 1 is "0", 18 is "1"
    "1", "1111111", "1", "1101011", "0", "0",
    "0",  # the end of the block
))  # fmt: skip
LAST_BLOCK = b"\x01\0\0\xff\xff"  # stored, and empty
WRAPPED = {  # RFC 1952, RFC 1950: head, and checksums of nothing
    "gzip": (b"\x1f\x8b\x08" + bytes(6) + b"\x03", bytes(8)),
    "deflate": (b"\x78\x9c", b"\0\0\0\1"),
}


def packed(encoding: str, size: int) -> bytes:
    """At most `size` bytes, which unpack to none."""
    bits = EMPTY_BLOCK * 4
    four = int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")
    before, behind = WRAPPED[encoding]
    times = (size - len(before) - len(LAST_BLOCK) - len(behind)) // len(four)
    made = before + four * times + LAST_BLOCK + behind
    unpacking = zlib.decompressobj(wbits=47)  # either of them
    assert unpacking.decompress(made) == b"" and unpacking.eof and not unpacking.unused_data
    return made
