#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os

HERE = os.path.dirname(os.path.abspath(__file__))


class Tape:
    """Records, each told how long the one before is unless it is said."""

    def __init__(self):
        self.bytes = b""
        self.before = 0

    def record(self, data, length=None, before=None, check=None, lower=False):
        length = len(data) if length is None else length
        before = self.before if before is None else before
        check = length ^ before if check is None else check
        text = b"%04X%04X%04X" % (before, length, check)
        self.bytes += (text.lower() if lower else text) + data
        self.before = len(data)
        return self

    def mark(self, **how):
        return self.record(b"", **how)

    def raw(self, data):
        self.bytes += data
        return self


A = b"a" * 80
B = b"b" * 81
C = b"c"
UNWRITTEN = b"--------A5C3"  # the place of a header that is not written


def two():
    return Tape().record(A).record(B)


WHOLE = two().record(b"1234567890").bytes

CASES = {
    # Good tapes.
    "example": Tape().record(b"abc").mark().record(b"de"),
    "blank": Tape(),
    "marks": Tape().mark().mark(),
    "labels": Tape().record(A).record(A).mark().record(B).record(C).mark()
    .mark(),
    "data-after-two-marks": Tape().record(A).mark().mark().record(B),
    "lower-case": Tape().record(b"l" * 0xABC, lower=True)
    .record(A, lower=True).mark(lower=True),
    "cut-at-record": Tape().raw(WHOLE[:-22]),
    # Lengths that are wrong, or told differently.
    "check-wrong": two().record(C, check=1).mark(),
    "before-differs": two().record(C, before=80).mark(),
    "before-at-bot": Tape().record(A, before=3).record(B),
    "length-too-small": Tape().record(A).record(B, length=40).mark(),
    "length-too-large": Tape().record(A).record(B, length=100).record(A)
    .mark(),
    "length-past-end": Tape().record(A).record(B, length=500).mark(),
    "length-into-zeros": Tape().record(A).record(bytes(50), length=20)
    .mark(),
    "damage-first": Tape().record(A, length=70).record(B).mark(),
    "zeros-behind": two().raw(bytes(40)),
    # What is no number.
    "no-digit": two().raw(b"0051000G0051").raw(b"x" * 16),
    "no-digit-between":
    two().raw(b"0051 0010041").raw(b"x").mark(before=1),
    "text": Tape().raw(
        b"0000 is how this text begins, which is no image.\n"),
    # Cut by somebody else.
    "cut-in-header": Tape().raw(WHOLE[:-15]),
    "cut-after-header": Tape().raw(WHOLE[:-10]),
    "cut-in-data": Tape().raw(WHOLE[:-3]),
    # What a kill leaves, and what only looks like it.
    "unwritten": two().raw(UNWRITTEN).raw(b"x" * 99),
    "unwritten-header": two().raw(UNWRITTEN),
    "unwritten-part": two().raw(UNWRITTEN[:5]),
    "unwritten-bot": Tape().raw(UNWRITTEN + b"xyz"),
    "unwritten-too-much": two().raw(UNWRITTEN).raw(b"x" * 65536),
}

for case, tape in CASES.items():
    folder = os.path.join(HERE, case)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "image.fkt"), "wb") as f:
        f.write(tape.bytes)
