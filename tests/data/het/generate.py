#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory and of ../het-data, one folder a case.

As ../aws/generate.py, which has the headers.  Those in het-data have damage
inside compressed data, where only reading looks.  hetinit-* are what hetinit
of Hercules 3.13 has made: -n, -i, and -i -d.
"""
import bz2
import os
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "aws"))
from generate import A, B, C, UNWRITTEN, Tape, header, save  # noqa: E402

LINES = b"".join(b"line %d of many\n" % i for i in range(60))


def z(data, level=4):
    return zlib.compress(data, level)


def bz(data, level=4):
    return bz2.compress(data, level)


def first():
    return Tape().piece(A)


def pieces(data, packing, size, more=0):
    tape = first()
    cut = [data[i:i + size] for i in range(0, len(data), size)]
    for i, part in enumerate(cut):
        flags = (0x80 if i == 0 else 0) | (0x20 if part is cut[-1] else 0)
        tape.piece(part, packing | flags, more)
    return tape


def flipped(data, at, bits):
    data = bytearray(data)
    data[at] ^= bits
    return bytes(data)


def with_dictionary():
    c = zlib.compressobj(4, zdict=b"line of many")
    return c.compress(LINES) + c.flush()


ZL = z(LINES)

CASES = {
    "plain": Tape().piece(A).mark().piece(B),
    "marks": Tape().mark().mark(),
    "blank": Tape(),
    "example": Tape().piece(z(b"a" * 100), 0xA1).mark(),
    "zlib": Tape().piece(ZL, 0xA1).piece(A).mark()
    .piece(z(LINES + LINES, 9), 0xA1).mark().mark(),
    "bzip2": Tape().piece(bz(LINES), 0xA2).piece(A).mark()
    .piece(bz(LINES + LINES, 9), 0xA2).mark().mark(),
    "bus-tech":
    Tape().piece(ZL, 0xA0, 0x80).mark().piece(z(A), 0xA0, 0x80),
    "mixed":
    Tape().piece(z(A), 0xA1).piece(bz(LINES), 0xA2).piece(C).mark(),
    "zlib-pieces": pieces(ZL, 1, 50).mark().piece(B),
    "bzip2-pieces": pieces(bz(LINES), 2, 33).mark().piece(B),
    "bus-tech-pieces": pieces(ZL, 0x10, 50, 0x80).mark().piece(B),
    "two-ways": first().piece(ZL, 0xA3).mark(),
    "two-zlibs": first().piece(ZL, 0xA1, 0x80).mark(),
    "other-way-in-pieces":
    first().piece(ZL[:50], 0x81).piece(ZL[50:], 0x22).mark(),
    "plain-piece": first().piece(ZL[:50], 0x81).piece(ZL[50:], 0x20).mark(),
    "cut-in-data": Tape().raw(first().piece(ZL, 0xA1).bytes[:-5]),
    "cut-in-header": Tape().raw(first().piece(ZL, 0xA1).bytes[:90]),
    "before-differs":
    first().piece(ZL, 0xA1).piece(B, before=len(ZL) + 1),
    "unwritten":
    Tape().piece(ZL, 0xA1).raw(header(UNWRITTEN, len(ZL), 0)).raw(ZL[:30]),
    "damage-first": Tape().piece(ZL, 0xA1, length=10).piece(B),
}

DATA = {
    "zlib-damaged": first().piece(flipped(ZL, len(ZL) // 2, 0x10), 0xA1)
    .mark().piece(B),
    "zlib-check": first().piece(flipped(ZL, -1, 1), 0xA1).mark(),
    "zlib-cut": first().piece(ZL[:-8], 0xA1).mark(),
    "zlib-more-behind": first().piece(ZL + b"x", 0xA1).mark(),
    "zlib-piece-behind":
    first().piece(ZL, 0x81).piece(b"more", 0x21).mark(),
    "zlib-of-nothing": first().piece(z(b""), 0xA1).mark(),
    "zlib-that-is-not": first().piece(A, 0xA1).mark(),
    "zlib-with-dictionary": first().piece(with_dictionary(), 0xA1).mark(),
    "bzip2-damaged": first().piece(flipped(bz(LINES), 40, 4), 0xA2).mark(),
    "bzip2-cut": first().piece(bz(LINES)[:-8], 0xA2).mark(),
    "bzip2-of-nothing": first().piece(bz(b""), 0xA2).mark(),
    "bzip2-too-large":
    first().piece(bz(bytes((16 << 20) + 1)), 0xA2).mark(),
}

save(HERE, CASES, "het")
save(os.path.join(HERE, "..", "het-data"), DATA, "het")
