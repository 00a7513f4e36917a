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


def record(data, flag=0, trailing=None):
    w = len(data) | flag
    return word(w) + data + word(w if trailing is None else trailing)


MARK = word(0)
GAP = word(0xFFFFFFFE)
EOM = word(0xFFFFFFFF)
A = record(b"a" * 80)
B = record(b"b" * 81)
C = record(b"c" * 3)
BAD = 0x80000000

# A header of 4 bytes at each place over a page, as a kill can leave it: the
# lower bytes are there, the upper ones are FF, and the record is whole.


def torn(at, length=10, more=b""):
    lower = 4096 - at
    header = word(length)[:lower] + b"\xff" * (4 - lower)
    first = record(b"a" * (at - 8))
    return first + header + b"t" * length + word(length) + more


CASES = {
    # Good tapes.
    "blank-eom": EOM,
    "plain": A + MARK + B + C + MARK + MARK,
    "even-only": A + MARK + A,
    "one-byte": record(b"x"),
    "marks-only": MARK * 3,
    "odd-first": B + A + MARK,
    "offsets-of-all-kinds": C + C + MARK + C + C + A + MARK,
    "data-after-two-marks": A + MARK + MARK + B,
    "eom-then-garbage": B + MARK + EOM + b"this may not be read",
    "gap": B + GAP * 5 + MARK + GAP + C + GAP * 3,
    "half-gap": B + b"\xff\xff" + GAP * 6 + C,
    "bad-record": A + record(b"e" * 41, BAD) + B,
    "bad-record-empty": C + word(BAD) * 2 + B,
    # Left by a kill: all end cleanly.
    "torn-placeholder": B + MARK + b"\xff",
    "torn-data": B + MARK + EOM + b"half of the data of a rec",
    "torn-header-1": torn(4095),
    "torn-header-2": torn(4094),
    "torn-header-3": torn(4093),
    "torn-header-like-gap": torn(4095, 254),
    # Damage.
    "torn-header-then-more": torn(4093, more=MARK),
    "header-not-at-page": torn(4092)[:4092] + b"\x0a\xff\xff\xff"
    + b"t" * 10 + word(10),
    "trailing-differs": B + record(b"b" * 80, trailing=81) + C,
    "cut-in-header": B + word(81)[:3],
    "cut-in-data": B + record(b"b" * 81)[:40],
    "cut-before-trailer": B + record(b"b" * 81)[:85],
    "cut-in-trailer": B + record(b"b" * 81)[:87],
    "length-past-end": B + word(0x00FFFFFF) + b"z" * 40,
    "length-too-large": B + word(0x01000001) + b"z" * 40,
    "length-bit-28": B + word(0x10000008) + b"z" * 8 + word(0x10000008),
    "illegal-fffe": B + word(0xFFFE0000) + C,
    "odd-trailing-differs": A + record(b"c" * 3, trailing=4) + A,
    # The other format, told by its first odd record.
    "padded-simh": A + word(3) + b"abc\0" + word(3) + MARK,
    # Nothing else.
    "text": b"Once upon a time there was a file that was no tape.\n" * 4,
    "damage-first": word(81) + b"a" * 81 + word(80) + C,
}

for case, data in CASES.items():
    os.makedirs(os.path.join(HERE, case), exist_ok=True)
    with open(os.path.join(HERE, case, "image.e11"), "wb") as f:
        f.write(data)
