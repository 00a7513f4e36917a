#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here, apart from the code under test.  The listing
beside each says what a reader is to say: objects, or the words of the failure.
"""
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def header(length, before, flags, more=0):
    return struct.pack("<HHBB", length, before, flags, more)


class Tape:
    """Pieces, each told how long the one before is unless it is said."""

    def __init__(self):
        self.bytes = b""
        self.before = 0

    def piece(self, data, flags=0xA0, more=0, length=None, before=None):
        self.bytes += header(len(data) if length is None else length,
                             self.before if before is None else before,
                             flags, more) + data
        self.before = len(data)
        return self

    def mark(self, flags=0x40):
        return self.piece(b"", flags)

    def raw(self, data):
        self.bytes += data
        return self


A = b"a" * 80
B = b"b" * 81
C = b"c"


def two():
    return Tape().piece(A).piece(B)


WHOLE = two().piece(b"1234567890").bytes
UNWRITTEN = 65533  # the length in the place of a header that is not written

CASES = {
    # Good tapes.
    "example": Tape().piece(b"abc").mark().piece(b"de"),
    "blank": Tape(),
    "marks": Tape().mark().mark(),
    "labels": Tape().piece(A).piece(A).piece(A).mark().piece(B).piece(C)
    .mark().piece(A).piece(A).mark().mark(),
    "data-after-two-marks": Tape().piece(A).mark().mark().piece(B),
    "cut-at-record": Tape().raw(WHOLE[:-16]),
    "compressed-is-het":
    Tape().piece(A).piece(zlib.compress(b"z" * 500, 4), 0xA1).mark(),
    # Records in pieces.
    "pieces": Tape().piece(A).piece(b"1234", 0x80).piece(b"5678", 0)
    .piece(b"90", 0x20).mark().piece(B),
    "pieces-bus-tech": Tape().piece(b"1234", 0x90).piece(b"5", 0x30)
    .piece(b"678", 0xB0).mark(),
    "pieces-first": Tape().piece(b"1234", 0x80).piece(b"5678", 0x20),
    "no-begin": two().piece(C, 0x20).mark(),
    "no-end-mark":
    two().piece(b"1234", 0x80).piece(b"56", 0).mark().piece(C),
    "no-end-record": two().piece(b"1234", 0x80).piece(b"56", 0xA0).mark(),
    "no-end-eof": two().piece(b"1234", 0x80).piece(b"56", 0),
    "cut-in-more": two().piece(b"1234", 0x80).raw(header(3, 4, 0x20)[:4]),
    # Lengths that are wrong, or told differently.
    "before-differs": two().piece(C, before=80),
    "before-differs-in-middle":
    two().mark().piece(C, before=81).mark(),
    "before-at-bot": Tape().piece(A, before=5).piece(B),
    "length-too-small": Tape().piece(A).piece(B, length=40).mark(),
    "length-too-large":
    Tape().piece(A).piece(B, length=100).piece(b"d" * 60).mark(),
    "length-past-end": Tape().piece(A).piece(B, length=500).mark(),
    "length-into-zeros": Tape().piece(A).piece(bytes(50), length=20).mark(),
    "damage-first": Tape().piece(A, length=70).piece(B).mark(),
    "zeros-behind": two().raw(bytes(30)),
    "zeros-between": two().raw(bytes(6)).piece(C).mark(),
    # Headers that mean nothing.
    "mark-with-data": two().piece(b"xyz", 0x40).mark(),
    "mark-that-ends-record": two().mark(0x60).mark(),
    "no-data": two().piece(b"").mark(),
    "flags-unknown": two().piece(C, 0xA8).mark(),
    "flags-unknown-second": two().piece(C, 0xA0, 1).mark(),
    "text": Tape().raw(
        b"This is no tape image, but a text of some length.\n" * 3),
    # Cut by somebody else.
    "cut-in-header": Tape().raw(WHOLE[:-13]),
    "cut-after-header": Tape().raw(WHOLE[:-10]),
    "cut-in-data": Tape().raw(WHOLE[:-3]),
    # What a kill leaves, and what only looks like it.
    "unwritten": two().raw(header(UNWRITTEN, 81, 0)).raw(b"x" * 200),
    "unwritten-header": two().raw(header(UNWRITTEN, 81, 0)),
    "unwritten-bot": Tape().raw(header(UNWRITTEN, 0, 0)).raw(b"x" * 7),
    "unwritten-other-before":
    two().raw(header(UNWRITTEN, 80, 0)).raw(b"x" * 200),
    "unwritten-too-much":
    two().raw(header(UNWRITTEN, 81, 0)).raw(b"x" * 65536),
}


def save(here, cases, suffix):
    for case, tape in cases.items():
        folder = os.path.join(here, case)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "image." + suffix), "wb") as f:
            f.write(tape.bytes)


if __name__ == "__main__":
    save(HERE, CASES, "aws")
