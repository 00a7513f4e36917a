#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def frame(data, odd=True):
    """Six bits and their parity."""
    return data | (0x40 if (bin(data).count("1") % 2 == 0) == odd else 0)


def record(data, odd=True):
    frames = [frame(d, odd) for d in data]
    return bytes([frames[0] | 0x80] + frames[1:])


MARK = b"\x8f"
A = record(range(1, 60))  # 01 .. 7b
B = record([0x2A] * 5)  # three bits: 2a
C = record([0x11, 0x22, 0x33], odd=False)  # 11 22 33
ONE = record([0x3F])  # six bits: 7f

CASES = {
    # Good tapes.
    "plain": A + MARK + B + C + MARK + MARK,
    "one-frame": ONE,
    "one-frames": ONE + record([0]) + record([8]),
    "even-parity": C + record([0x30, 0x21], odd=False) + MARK,
    "marks-only": MARK * 4,
    "marks-at-bot": MARK * 2 + A,
    "no-mark-at-end": A + B,
    "long-mark": A + b"\x8f\x0f\x0f" + B,
    "mark-with-other-parity": A + b"\xcf" + B,
    "begins-like-a-mark": A + b"\x8f\x0f\x0e" + B,
    "over-a-step": record([1] * 4096) + record([2] * 4095) + MARK
    + record([4] * 8193),
    # What SIMH's writer leaves: the last byte belongs to nothing.
    "simh-stray-frame": record([1, 2, 4, 8, 1, 2]) + record([1, 1, 1]) + MARK
    + record([7, 7, 7, 7]) + MARK + MARK + b"\x8f",
    "simh-stray-record": A + B + B[:1],
    # A frame of no bits: has to be named.
    "frame-of-no-bits": A + b"\x81\x00\x01",
    # Damage, and something else.
    "no-first-frame": A[1:] + B,
    "text": b"Once upon a time there was a file that was no tape.\n" * 4,
    "simh-128": b"\x80\0\0\0" + b"a" * 128 + b"\x80\0\0\0"
    + b"\1\0\0\0b\0\1\0\0\0",
}

for case, data in CASES.items():
    os.makedirs(os.path.join(HERE, case), exist_ok=True)
    with open(os.path.join(HERE, case, "image.p7b"), "wb") as f:
        f.write(data)
