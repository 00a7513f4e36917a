#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the images of this directory, one folder a case.

The bytes are put together here from pmt-native(5), apart from the code under
test.  The listing beside each says what a reader is to say: objects, or the
words of the failure.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

UUID = bytes(range(0x10, 0x20))
GENERATION = bytes(range(0x20, 0x30))
SALT = 0x33323130
START = 8192
RECORD, FILEMARK, INDEX = 1, 2, 3
ZERO, SYNCED = 1, 2


def make_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


TABLE = make_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


SEED_BYTES = UUID + struct.pack("<II", 0, SALT)
SEED = crc32c(SEED_BYTES)
BOT = (START, 0, 0, 0, 0, SEED)


def superblock(sequence, epoch, limit=BOT, checkpoint=BOT, features=0,
               version=1, index=(0, 0, 0), indexes=0):
    body = struct.pack("<IQQ", version, features, 0) + UUID + GENERATION
    body += struct.pack("<IIQIIBB6x8xQQQQ64x", 0, 1, sequence, epoch, SALT,
                        0, 0, 0, 0, 0, 1000000000)
    body += struct.pack("<5QI4x", *limit) + struct.pack("<5QI4x", *checkpoint)
    body += struct.pack("<3QQ", *index, indexes)
    body += bytes(512 - 12 - len(body))
    return b"\x89pmt\r\n\x1a\n" + struct.pack("<I", crc32c(body)) + body


def supers(first, second):
    pad = bytes(4096 - 512)
    return first + pad + second + pad


class Log:
    """Objects one after the other; remembers where each begins and ends."""

    def __init__(self, epoch=1, place=BOT):
        self.bytes = b""
        self.epoch = epoch
        self.place = place
        self.places = [place]
        self.synced = True

    def put(self, kind, data=b"", logical=None, flags=0, at=None, **other):
        offset, object_, files, wseq, prev, chain = self.place
        where = offset if at is None else at
        flags |= SYNCED if self.synced else 0
        self.synced = False
        wseq += 1
        rest = struct.pack(
            "<BBBBIQQQQIIII", kind, 0, 0, flags,
            other.get("epoch", self.epoch), object_, files, wseq,
            offset - prev if prev else 0,
            len(data) if logical is None else logical, len(data),
            crc32c(data) if data else 0, other.get("chain", chain))
        crc = crc32c(SEED_BYTES + struct.pack("<Q", where) + rest)
        head = b"pmtO" + struct.pack("<I", crc) + rest
        self.bytes += head + data + bytes(-len(data) % 8)
        self.place = (START + self.start() + len(self.bytes),
                      object_ + (kind != INDEX), files + (kind == FILEMARK),
                      wseq, offset, crc)
        self.places.append(self.place)
        return self

    def start(self):
        return self.places[0][0] - START

    def record(self, data, **other):
        return self.put(RECORD, data, **other)

    def mark(self):
        return self.put(FILEMARK)

    def zeros(self, n):
        return self.put(RECORD, logical=n, flags=ZERO)

    def index(self, *samples):
        body = struct.pack("<QII", 0, 0, len(samples))
        for s in samples:
            body += struct.pack("<3Q", *self.places[s][:3])
        return self.put(INDEX, body, logical=0)

    def sync(self):
        self.synced = True
        return self


def image(log, checkpoint, epoch=1, limit=BOT, more=b"", old=BOT):
    """The superblocks of a log that was synced at a place, and the log."""
    return supers(superblock(4, epoch, limit, old),
                  superblock(5, epoch, limit, checkpoint)) + log.bytes + more


def closed(log):
    return image(log, log.place)


def damaged(data, at, with_=0xFF):
    return data[:at] + bytes([data[at] ^ with_]) + data[at + 1:]


def plain():
    log = Log().record(b"a" * 80).record(b"b" * 81).mark().sync()
    return log.record(b"c" * 3).mark().mark().sync()


def indexed():
    log = Log().record(b"a" * 80).record(b"b" * 81)
    return log.index(0, 1).record(b"c" * 3).mark().sync()


def at_object(log, n):
    return log.places[n][0]


def torn(n_synced, n_lost, rest, flagged=False):
    """Objects; then one that was lost; then others that were not."""
    log = Log()
    for i in range(n_synced):
        log.record(bytes([0x61 + i]) * 50)
    log.sync()
    point = log.place
    for i in range(n_lost):
        log.record(bytes([0x41 + i]) * 100)
    lost = len(log.bytes)
    if flagged:
        log.sync()
    for i in range(rest):
        log.record(bytes([0x71 + i]) * 50)
    body = log.bytes
    first = point[0] - START
    log.bytes = body[:first] + bytes(lost - first) + body[lost:]
    return image(log, point)


def overwritten():
    """Epoch 2 at object 1; the objects of epoch 1 were not cut away."""
    old = Log().record(b"a" * 50).record(b"o" * 50).record(b"p" * 50)
    return image(old, old.places[1], epoch=2, limit=old.places[1])


def overwritten_once(lost):
    """The same with one new object, before a stale one."""
    old = Log().record(b"a" * 50).record(b"o" * 50).record(b"p" * 50)
    new = Log(epoch=2, place=old.places[1]).record(b"n" * 50)
    at = old.places[1][0] - START
    body = old.bytes[:at] + new.bytes + old.bytes[at + len(new.bytes):]
    if lost:
        body = body[:at] + bytes(len(new.bytes)) + body[at + len(new.bytes):]
    old.bytes = body
    return image(old, old.places[1], epoch=2, limit=old.places[1])


def newer_epoch():
    log = Log().record(b"a" * 50).sync()
    point = log.place
    log.record(b"b" * 50, epoch=2)
    return image(log, point)


def copy_of_itself(lost):
    """A record that has a copy of headers, and is torn before the copy."""
    log = Log().record(b"a" * 50).sync()
    point = log.place
    inner = Log(place=point).record(b"x" * 50).sync().record(b"y" * 50)
    log.record(bytes(200) + inner.bytes + bytes(200))
    data = image(log, point)
    return data[:point[0]] + bytes(64) + data[point[0] + 64:] if lost else data


def example():
    """What pmt-native(5) shows: a session that wrote two objects, and one."""
    log = Log(epoch=2).record(b"abc").mark().sync()
    log.record(b"de")
    return supers(superblock(5, 2, BOT, log.places[2]),
                  superblock(6, 2, BOT, log.place)) + log.bytes


P = plain()
X = indexed()

CASES = {
    # Good tapes.
    "blank": supers(superblock(1, 1), superblock(2, 1)),
    "unborn-zeros": bytes(8192),
    "unborn-short": superblock(1, 1)[:300],
    "unborn-half": bytes(4096),
    "plain": closed(P),
    "example": example(),
    "zeros": closed(Log().zeros(1000).record(b"a" * 8).zeros(1)),
    "index": closed(X),
    "first-slot-damaged": damaged(closed(P), 100),
    "second-slot-damaged": damaged(closed(P), 4096 + 300),
    "slot-padding-damaged": damaged(damaged(closed(P), 700), 8000),
    "padding-damaged": damaged(closed(P), at_object(P, 2) - 1),
    "checkpoint-lost": supers(superblock(4, 1), bytes(512)) + P.bytes,
    "checkpoint-at-bot": image(P, BOT),
    "index-header-damaged": damaged(closed(X), at_object(X, 2) + 20),
    "index-data-damaged": damaged(closed(X), at_object(X, 2) + 70),
    "copy-of-itself": copy_of_itself(False),
    # What a crash leaves.
    "torn-header": image(P, P.places[2])[:at_object(P, 3) + 40],
    "torn-data": image(P, P.places[3])[:at_object(P, 3) + 65],
    "torn-zeros": image(P, P.place, more=bytes(5000)),
    "torn-data-lost": torn(2, 1, 0),
    "torn-unordered": torn(2, 1, 2),
    "torn-two-unordered": torn(2, 2, 1),
    "torn-copy-of-itself": copy_of_itself(True),
    "overwrite-not-cut": overwritten(),
    "overwrite-one-stale": overwritten_once(False),
    "overwrite-lost-stale": overwritten_once(True),
    # Damage.
    "damage-header-first": damaged(closed(P), START + 17),
    "damage-header": damaged(closed(P), at_object(P, 1) + 48),
    "damage-filemark": damaged(closed(P), at_object(P, 2) + 8),
    "damage-header-last": damaged(closed(P), at_object(P, 5) + 1),
    "damage-synced-later": torn(2, 1, 2, flagged=True),
    "damage-newer-epoch": newer_epoch(),
    "cut-at-object": closed(P)[:at_object(P, 5)],
    "cut-in-header": closed(P)[:at_object(P, 3) + 30],
    "cut-in-data": closed(P)[:at_object(P, 1) + 70],
    "chain-broken": closed(
        Log().record(b"a" * 50).record(b"b" * 50, chain=7).record(b"c")),
    "displaced": closed(
        Log().record(b"a" * 50).record(b"b" * 50, at=START).record(b"c")),
    "unknown-kind": closed(Log().record(b"a" * 50).put(9).record(b"c")),
    "unknown-flag": closed(
        Log().record(b"a" * 50).record(b"b" * 50, flags=128).record(b"c")),
    "epoch-of-later": closed(
        Log().record(b"a" * 50).record(b"b" * 50, epoch=3).record(b"c")),
}


def main():
    for name, data in CASES.items():
        folder = os.path.join(HERE, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "image.pmt"), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
