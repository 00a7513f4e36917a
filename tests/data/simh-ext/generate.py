#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def word(w):
    return struct.pack("<I", w)


def record(data, cls=0, trailing=None):
    w = len(data) | cls << 28
    body = word(w) + data + (b"\0" if len(data) % 2 else b"")
    return body + word(w if trailing is None else trailing)


MARK = word(0)
GAP = word(0xFFFFFFFE)
EOM = word(0xFFFFFFFF)
HALF = b"\xff\xff"
A = record(b"a" * 80)
B = record(b"b" * 81)
C = record(b"c" * 3)
LABEL = record(b"a tape of 1971", 0xE)
PRIVATE = word(0x71234567)
SCSI2PI_END = word(0x73533250)

CASES = {
    # Good tapes; what is of other classes is passed over.
    "plain": A + MARK + B + C + MARK + MARK,
    "description-first": LABEL + A + MARK,
    "description-only": LABEL,
    "description-of-no-bytes": record(b"", 0xE) + A,
    "each-class": b"".join(
        record(b"p" * n, n) + record(b"d" * n) for n in
        (1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14)),
    "markers": PRIVATE + A + PRIVATE * 3 + MARK + word(0xF0000000)
    + word(0xFFFDFFFF) + B + word(0x70000000),
    "long-private": A + record(b"l" * 70001, 3) + B,
    "between-marks": MARK + LABEL + PRIVATE + MARK + record(b"x", 1),
    "bad-record": A + record(b"e" * 40, 8) + B,
    "bad-record-empty": A + record(b"", 8) + B,
    "gap-and-private": A + GAP + PRIVATE + GAP + record(b"q" * 5, 2) + B,
    "half-gap": A + HALF + GAP * 2 + PRIVATE + B + HALF + GAP + C,
    "scsi2pi-end": A + MARK + SCSI2PI_END + B + MARK,
    "eom-then-garbage": A + EOM + LABEL,
    "torn-data": LABEL + A + EOM + b"half of the data of a rec",
    # Damage.
    "private-trailing-differs": A + record(b"p" * 8, 1, 0x20000008) + C,
    "private-cut": A + record(b"p" * 8, 1)[:10],
    "private-one-word": A + word(0x1FFFFFFF) + C,
    "description-cut-in-trailer": LABEL[:-2],
    "bad-record-empty-one-word": A + word(0x80000000) + B,
    "length-too-large": A + word(0x01000001) + b"z" * 40,
    "length-28-bits": A + word(0x0FFFFFFF) + b"z" * 40,
    "bad-length-28-bits": A + word(0x8FFFFFFF) + b"z" * 40,
    "illegal-fffe": A + word(0xFFFE0000) + C,
    "illegal-fffe-top": A + word(0xFFFEFFFE) + C,
    "reserved-ffff": A + word(0xFFFF0050) + C,
    "marker-cut": A + PRIVATE[:3],
    "trailing-differs": LABEL + record(b"b" * 80, trailing=81) + C,
}

for case, data in CASES.items():
    os.makedirs(os.path.join(HERE, case), exist_ok=True)
    with open(os.path.join(HERE, case, "image.tap"), "wb") as f:
        f.write(data)
