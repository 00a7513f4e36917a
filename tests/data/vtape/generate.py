#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = 4096


def build(*objects):
    """Records are bytes, filemarks None; links all of them. -> bytes, marks"""
    image, marks = bytearray(20), [0]
    for o in objects:
        if o is not None:
            image += struct.pack("<I", len(o)) + o
            continue
        at = len(image)
        struct.pack_into("<Q", image, marks[-1] + 12, at)
        image += struct.pack("<IQQ", 0, marks[-1], 0)
        marks.append(at)
    return bytes(image), marks


def patch(image, at, fmt, value):
    image = bytearray(image)
    struct.pack_into(fmt, image, at, value)
    return bytes(image)


def back(image, mark, value):
    return patch(image, mark + 4, "<Q", value)


def on(image, mark, value):
    return patch(image, mark + 12, "<Q", value)


A, B, C, D = b"a" * 80, b"b" * 81, b"c" * 3, b"d" * 500
plain, pm = build(A, None, B, C, None)
three, tm = build(A, None, B, None, C, None, D, None)


def filled(last):
    """A tape whose last object is to begin ${last} bytes before a page."""
    return build(A, None, b"f" * (PAGE - last - 20 - 84 - 20 - 4))


CASES = {
    # Good tapes.
    "blank": b"",
    "blank-lead": build()[0],
    "plain": plain,
    "one-byte": build(b"x", None)[0],
    "marks-only": build(None, None, None)[0],
    "marks-at-bot": build(None, None, A, None)[0],
    "data-after-two-marks": build(A, None, None, B, None)[0],
    "no-mark-at-end": build(A, None, B)[0],
    "no-mark": build(A, B)[0],
    "data-like-a-mark": build(A, None, b"\0" * 100, plain, None)[0],
    # Killed before the link on was written, or after it was taken back.
    "unlinked-last": on(plain, pm[1], 0),
    "unlinked-first": on(three, 0, 0),
    "unlinked-middle": on(three, tm[2], 0),
    # Killed in step 1: ends cleanly.
    "torn-word": plain + b"\xff\xff",
    "torn-placeholder": plain + b"\xff" * 4,
    "torn-data": plain + b"\xff" * 4 + b"half of the data",
    # ... in the midst of step 2, with one to three bytes in the first page.
    "torn-length-1": filled(1)[0] + b"\x2c\xff\xff\xff" + b"t" * 300,
    "torn-length-2": filled(2)[0] + b"\x2c\x01\xff\xff" + b"t" * 300,
    "torn-mark": filled(3)[0] + b"\0\0\0\xff" + struct.pack("<QQ", 104, 0),
    # ... which is not that if it is not the whole rest of the file,
    "torn-length-not-last": filled(2)[0] + b"\x2c\x01\xff\xff" + b"t" * 301,
    # nor if it lies in one page.
    "torn-length-no-page": filled(4)[0] + b"\x2c\x01\xff\xff" + b"t" * 300,
    # Damage.
    "cut-in-length": build(A, None, B)[0] + b"\x50\0",
    "cut-in-data": build(A, None, B)[0][:-1],
    "cut-in-mark": build(A, None, B, None)[0][:-1],
    "cut-in-mark-word": build(A, None, B, None)[0][:-18],
    "cut-before-mark": build(A, None, B, None)[0][:-20],
    "cut-after-mark": three[:tm[1] + 20],
    "length-past-end": build(A, None)[0] + struct.pack("<I", 81) + b"z" * 80,
    "length-too-large": build(A)[0] + struct.pack("<I", 0x01000001) + A,
    "back-nowhere": back(three, tm[3], tm[2] - 1),
    "back-to-itself": back(three, tm[3], tm[3]),
    "back-too-far": back(on(three, tm[1], 0), tm[3], tm[1]),
    "on-elsewhere": on(three, tm[1], tm[3]),
    "on-past-end": on(three, tm[4], len(three) + 80),
    "overwritten-mark": patch(three, tm[2], "<I", 7),
    "damage-first": patch(three, 20, "<I", 1),
}

# A link across two pages: the filemark lies so that k bytes are in the first.
for k in (1, 2):
    image, marks = filled(12 + k)
    at = len(image)
    image = on(image, marks[1], at) + struct.pack("<IQQ", 0, marks[1], 0)
    data = b"g" * (300, 70000)[k - 1]
    after = len(image) + 4 + len(data)
    image += struct.pack("<I", len(data)) + data
    image += struct.pack("<IQQ", 0, at, 0)
    low = (1 << 8 * k) - 1
    CASES["torn-link-%d" % k] = on(image, at, after & low)
    CASES["torn-unlink-%d" % k] = on(image, at, after & ~low)
    if k == 1:
        CASES["bad-link-1"] = on(image, at, (after & low) + 1)

for name, image in CASES.items():
    os.makedirs(os.path.join(HERE, name), exist_ok=True)
    with open(os.path.join(HERE, name, "image.vtape"), "wb") as f:
        f.write(image)
