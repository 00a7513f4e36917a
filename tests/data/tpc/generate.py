#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def half(w):
    return struct.pack("<H", w)


def record(data, pad=b"\0"):
    return half(len(data)) + data + (pad if len(data) % 2 else b"")


MARK = half(0)
END = half(0xFFFF)
A = record(b"a" * 80)
B = record(b"b" * 81)
C = record(b"c" * 3)

CASES = {
    # Good tapes, with each of the ends there are.
    "two-marks-at-end": A + MARK + B + C + MARK + MARK,
    "mark-at-end": A + MARK + B + MARK,
    "no-mark-at-end": A + B,
    "two-marks-and-ffff": A + MARK + MARK + END,
    "mark-and-ffff": A + MARK + END,
    "ffff-at-end": A + B + END,
    "ffff-only": END,
    "one-byte": record(b"x"),
    "odd-pad-not-zero": record(b"b" * 81, pad=b"\x02") + C,
    "marks-only": MARK * 3,
    "marks-at-bot": MARK * 2 + A,
    "data-after-two-marks": A + MARK + MARK + B,
    "largest": record(b"l" * 65534) + A,
    "ffff-is-a-record": A + record(b"m" * 65535) + B + MARK,
    "ffff-is-the-last-record": A + record(b"m" * 65535),
    # Left by a kill: all end cleanly.
    "torn-placeholder": A + MARK + b"\xff",
    "torn-data": A + MARK + END + b"half of the data of a rec",
    "torn-whole": A + MARK + END + b"t" * 65534,
    # Damage.
    "cut-in-header": A + half(80)[:1],
    "cut-in-data": A + B[:40],
    "cut-before-pad": A + MARK + B[:-1],
    "cut-record-of-65535": A + END + b"m" * 65535,
    "length-past-end": A + half(0xFFFE) + b"z" * 40,
    "length-past-end-first": half(81) + b"a" * 40,
    # Something else.
    "text": b"Once upon a time there was a file that was no tape.\n" * 4,
    "simh": struct.pack("<I", 81) + b"a" * 81 + b"\0" + struct.pack("<I", 81),
    "simh-cut": struct.pack("<I", 80) + b"a" * 80,
}

for case, data in CASES.items():
    os.makedirs(os.path.join(HERE, case), exist_ok=True)
    with open(os.path.join(HERE, case, "image.tpc"), "wb") as f:
        f.write(data)
