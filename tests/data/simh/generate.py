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


def record(data, flag=0, pad=b"\0", trailing=None):
    w = len(data) | flag
    body = word(w) + data + (pad if len(data) % 2 else b"")
    return body + word(w if trailing is None else trailing)


MARK = word(0)
GAP = word(0xFFFFFFFE)
EOM = word(0xFFFFFFFF)
HALF = b"\xff\xff"
A = record(b"a" * 80)
B = record(b"b" * 81)
C = record(b"c" * 3)
BAD = 0x80000000

CASES = {
    # Good tapes.
    "blank": b"",
    "blank-eom": EOM,
    "plain": A + MARK + B + C + MARK + MARK,
    "one-byte": record(b"x"),
    "odd-pad-not-zero": record(b"b" * 81, pad=b"\x02") + C,
    "marks-only": MARK * 3,
    "marks-at-bot": MARK * 2 + A,
    "data-after-two-marks": A + MARK + MARK + B,
    "eom-then-garbage": A + MARK + EOM + b"this may not be read",
    "no-mark-at-end": A + B,
    "gap": GAP * 2 + A + GAP * 5 + MARK + GAP + B + GAP * 3,
    # A gap over the end of an odd record: it begins in the middle of a word.
    "half-gap": A + HALF + GAP * 6 + B + HALF + GAP + MARK + C,
    # ... and one that a second erasure has split.
    "half-gap-twice": A + GAP + HALF + GAP + B + HALF + GAP * 2 + HALF + GAP
    + C,
    "half-gap-at-bot": HALF + GAP + A + MARK,
    "gap-only": GAP * 4,
    "many-zeros": b"\0" * 8192,
    "ones": b"\xff" * 512,
    "bad-record": A + record(b"e" * 40, BAD) + B,
    "bad-record-first": record(b"e" * 40, BAD) + B,
    "bad-record-empty": A + word(BAD) * 2 + B,
    # Cut off in step 1 of writing a record: ends cleanly.
    "torn-placeholder": A + MARK + b"\xff\xff",
    "torn-data": A + MARK + EOM + b"half of the data of a rec",
    # Damage.
    "trailing-differs": A + record(b"b" * 80, trailing=81) + C,
    "trailing-lacks-flag": A + record(b"e" * 40, BAD, trailing=40) + C,
    "bad-record-one-word": A + word(BAD | 80) + B,
    "bad-record-empty-one-word": A + word(BAD) + B,
    "cut-in-header": A + word(80)[:2],
    "cut-in-data": A + record(b"b" * 80)[:40],
    "cut-in-trailer": A + record(b"b" * 80)[:86],
    "cut-before-trailer": A + record(b"b" * 80)[:84],
    "length-past-end": A + word(0x00FFFFFF) + b"z" * 40,
    "length-too-large": A + word(0x01000001) + b"z" * 40,
    "length-bits-30-24": A + word(0x0F000050) + b"z" * 80 + word(0x0F000050),
    "illegal-fffe": A + word(0xFFFE0000) + C,
    "illegal-fffe-top": A + word(0xFFFEFFFE) + C,
    "reserved-ffff": A + word(0xFFFF0050) + C,
    "extended-class-1": A + record(b"p" * 8, 0x10000000) + C,
    "extended-class-7-marker": A + word(0x70000000) + C,
    "extended-class-e": A + record(b"description!", 0xE0000000) + C,
    "unpadded-e11": A + word(3) + b"abc" + word(3) + MARK,
    "damage-first": word(80) + b"a" * 80 + word(81) + C,
    # Told by its first odd record, whatever the suffix says.
    "unpadded-e11-late": A + MARK + A * 3 + word(1) + b"z" + word(1) + A,
    # ... but one that is damaged for both formats says nothing.
    "odd-trailing-differs": A + record(b"c" * 3, trailing=4) + A,
    # Not a tape at all.
    "text": b"Once upon a time there was a file that was no tape.\n" * 4,
    "elf": b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0" * 4,
    "zeros-then-text": b"\0" * 512 + b"no tape, but a disk with an empty sector",
    "short": b"hi",
}

for case, data in CASES.items():
    os.makedirs(os.path.join(HERE, case), exist_ok=True)
    with open(os.path.join(HERE, case, "image.tap"), "wb") as f:
        f.write(data)
