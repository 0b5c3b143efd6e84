"""The vectors of the wire reference (sections 1.2 and 3.7), and public keys that are traps."""

from __future__ import annotations

from sereno.relay_client.keypair import KeyPair

DAEMON = KeyPair(
    public=bytes.fromhex("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"),
    secret=bytes(range(0x01, 0x21)),
)
CLIENT = KeyPair(
    public=bytes.fromhex("883186b800b41d5cf0429695da9b3cc4f328ebcd184a6e482fa578c103f06c77"),
    secret=bytes(range(0x81, 0xA1)),
)
SHARED = bytes.fromhex("ea59c8b4c39ca3a84465f8cf525ba9710b09e0202c9ba6ca87f3c2115ffcdfd1")

P = 2**255 - 19
LOW_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (P - 1).to_bytes(32, "little"),
    P.to_bytes(32, "little"),
    (P + 1).to_bytes(32, "little"),
]
"""All points of order 1, 2, 4 and 8 of the curve and its twist (RFC 7748, section 6.1)."""


def twins(key: bytes) -> list[bytes]:
    """Other public keys with which everybody agrees upon the same as with this one.

    The highest bit is ignored (RFC 7748, section 5); 1/u is u plus the point of order two, and
    every secret is a multiple of eight.
    """
    u = int.from_bytes(key, "little") % 2**255
    inverse = pow(u, -1, P).to_bytes(32, "little")
    return [one[:-1] + bytes([one[-1] ^ bit]) for one in (key, inverse) for bit in (0, 0x80)][1:]


PLAIN_HELLO = (
    '{"type":"hello","clientId":"cid_0123456789abcdef0123456789abcdef","clientType":"cli",'
    '"protocolVersion":1,"capabilities":{"reasoning_merge_enum":true},'
    '"appVersion":"0.1.65-beta.5"}'
)
SEALED = [
    (
        b'{"type":"ping"}',
        0x00,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX+wtUofsHg2JyyijcDEeD9o3tMtKpMCaosO1o7K7uzw==",
    ),
    (
        b"",
        0x18,
        "GBkaGxwdHh8gISIjJCUmJygpKissLS4vAPVMGjq/sdFM82/fb9zilw==",
    ),
    (
        PLAIN_HELLO.encode(),
        0x30,
        "MDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHWyJ7KnDebKsJF9817BEHbls7vJNQykHwQDkY4AURLBIKWnmY7yUF"
        "HAGeE+izyVwrnYsCl1rTc5C+YbTh2JJTJyREGkgW1HCMqU7IuIkTjebIYa/KraVEdTa0meuEeOJa9CeVY6dR"
        "e+nFJTfmDW8BMAZqkxgUJWW3wY0qnByg5uLzjCdQcNgJ2nxsibxyx/vEM6EdBxP7h6G2cSK/qT4FU+AnukiG"
        "lHQQJNRc36OcxabVWFqhwO/D0sOop1G0gsmq5zVR",
    ),
    (
        b"\x02\x00ls\r",
        0x48,
        "SElKS0xNTk9QUVJTVFVWV1hZWltcXV5fowGrxCI1fIZZ6/6xRG2sis4dTMHF",
    ),
    (
        b"\x01\x07\xff\xfeA",
        0x60,
        "YGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3vjBULJBgUtN8w/BVJPJbo0Ubnp7h",
    ),
    (
        "héllo ✓".encode(),
        0x78,
        "eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PGWBIZ0nNXEvCUkaCrRloBofpYSL4yIPGfuo=",
    ),
]
"""V1 to V6: plaintext, first byte of the nonce (24 that follow each other), frame on the wire."""
HELLO = '{"type":"e2ee_hello","key":"iDGGuAC0HVzwQpaV2ps8xPMo680YSm5IL6V4wQPwbHc="}'
READY = '{"type":"e2ee_ready"}'
FORGED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX+wtUofsHg2JyyijcDEeD9o3tMtKpMCaosO1o7K7uzg=="
"""N1: V1 with its last byte changed."""
KEYPAIR_FILE = b"""{
  "v": 2,
  "publicKeyB64": "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=",
  "secretKeyB64": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
}
"""
OFFER_JSON = (
    b'{"v":2,"serverId":"srv_AAECAwQFBgcI",'
    b'"daemonPublicKeyB64":"B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=",'
    b'"relay":{"endpoint":"relay.paseo.sh:443"}}'
)
OFFER_URL = (
    "https://app.paseo.sh/#offer=eyJ2IjoyLCJzZXJ2ZXJJZCI6InNydl9BQUVDQXdRRkJnY0kiLCJkYWVtb25QdWJsaWN"
    "LZXlCNjQiOiJCNk44dkJRZ2s4aTNWZHdiRU9oc3RDWTNTdEZxcUZQdEM5L0Fzcmh0SEh3PSIsInJlbGF5Ijp7ImVuZHBva"
    "W50IjoicmVsYXkucGFzZW8uc2g6NDQzIn19"
)
