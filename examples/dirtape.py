#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A tape as a directory: each tape file is a file in it, 0000, 0001 ...

    pmtd pair: && dirtape.py /dev/pmts DIRECTORY &
    tar -cf /dev/npmt . && tar -tf DIRECTORY/0000

NODE may also be the socket of pmtd.  How long the records are is in
DIRECTORY/index, a line each, 0 for a filemark.  See pmt-pair(7).
"""
import errno, os, pathlib, socket, stat, struct, sys

REQUEST = struct.Struct("<IHHQQQIIQQQ")  # length op flags id object file
REPLY = struct.Struct("<IHHQQQIHHQQII")  # partition unit count known 0
HELLO, LOAD, UNLOAD, DESCRIBE, READ, WRITE, FILEMARKS, SPACE = range(1, 9)
LOCATE, REWIND = 9, 10
NONE, FILEMARK, EOD, BOT = range(4)  # conditions
RECORDS, MARKS, TO_EOD = range(3)  # units of SPACE
LARGEST = 16 << 20
INFO = struct.pack("<6IQIB27x64s", 1, LARGEST, 0, 1, 1, 1, 0, 0, 0, b"directory")


class Tape:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(exist_ok=True)
        index = self.dir / "index"
        self.objects = [int(n) for n in index.read_text().split()] if index.exists() else []
        self.rewind()

    def rewind(self):
        self.at = self.file = self.offset = 0  # object, tape file, byte in it

    def path(self):
        return self.dir / f"{self.file:04}"

    def step(self, way):
        """Over one object, forward (1) or back (-1); what was met."""
        if self.at == (len(self.objects) if way > 0 else 0):
            return EOD if way > 0 else BOT
        self.at += way
        size = self.objects[self.at - (way > 0)]
        self.offset += way * size
        if size:
            return NONE
        self.file += way
        self.offset = 0 if way > 0 else self.path().stat().st_size
        return FILEMARK

    def read(self, count):
        offset, path = self.offset, self.path()
        cond = self.step(1)
        size = self.objects[self.at - 1] if cond == NONE else 0
        if not size:
            return cond, 0, b""
        with open(path, "rb") as f:
            f.seek(offset)
            return cond, size, f.read(size)[:count]

    def append(self, data):
        """Puts an object here, a filemark if it is empty, as the last there is."""
        if self.at < len(self.objects):
            del self.objects[self.at :]
            for old in self.dir.glob("[0-9]" * 4):
                if int(old.name) > self.file:
                    old.unlink()
        with open(self.path(), "ab") as f:
            f.truncate(self.offset)
            f.write(data)
            if not data:
                os.fsync(f)  # what is before a filemark survives power loss
        self.objects.append(len(data))
        self.step(1)

    def sync(self):
        new = self.dir / "index.new"
        with open(new, "w") as f:
            f.writelines(f"{size}\n" for size in self.objects)
            f.flush()
            os.fsync(f)
        new.rename(self.dir / "index")

    def space(self, unit, count):
        way, done = -1 if count < 0 else 1, 0
        while unit == TO_EOD or done < abs(count):
            cond = self.step(way)
            if cond in (EOD, BOT) or (cond == FILEMARK and unit == RECORDS):
                return (NONE if unit == TO_EOD else cond), done
            done += unit == RECORDS or cond == FILEMARK
        return NONE, done

    def locate(self, count):
        self.rewind()
        while self.at < count:
            if self.step(1) == EOD:
                return EOD
        return NONE


def answer(tape, op, unit, count, data):
    """Condition, done, data of the reply."""
    if op == HELLO:
        return NONE, 1, b""
    if op in (LOAD, REWIND):
        tape.rewind()
    elif op == DESCRIBE:
        return NONE, 0, INFO
    elif op == READ:
        return tape.read(count)
    elif op == WRITE:
        tape.append(data)
    elif op == FILEMARKS:
        for _ in range(count):
            tape.append(b"")
        tape.sync()
        return NONE, count, b""
    elif op == SPACE:
        return *tape.space(unit, count - (count >> 63 << 64)), b""
    elif op == LOCATE and unit == 0:
        return tape.locate(count), 0, b""
    elif op == UNLOAD:
        tape.sync()
    else:
        raise OSError(errno.EOPNOTSUPP, "a directory can't do that")
    return NONE, 0, b""


def connect(path):
    """Functions that receive one request, and send one reply."""
    if not stat.S_ISSOCK(os.stat(path).st_mode):
        node = os.open(path, os.O_RDWR)  # a read is a request, a write a reply

        def read():
            try:
                return os.read(node, 64 + LARGEST)
            except OSError:
                return b""  # pmtd has gone, and its node

        return read, lambda reply: os.write(node, reply)
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    stream = sock.makefile("rb")

    def receive():
        header = stream.read(64)
        return header + stream.read(REQUEST.unpack(header)[0] - 64) if header else b""

    return receive, sock.sendall


def main(node, directory):
    tape = Tape(directory)
    receive, send = connect(node)
    while message := receive():
        _, op, _, number, _, _, _, unit, count, _, _ = REQUEST.unpack_from(message)
        error = 0
        try:
            cond, done, data = answer(tape, op, unit, count, message[64:])
        except OSError as e:
            cond, done, data, error = NONE, 0, e.strerror.encode()[:255], e.errno
        send(REPLY.pack(64 + len(data), op, cond, number, tape.at, tape.file, 0, 1,
                        error, done, 0, LARGEST, 0) + data)


main(*sys.argv[1:])
