#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A tape in an SQLite database: each record is a row, and so is each filemark.

    pmtd pair: && sqltape.py /dev/pmts TAPE.db &
    tar -cf /dev/npmt .
    sqlite3 TAPE.db 'SELECT hex(data) FROM tape WHERE file = 0' | xxd -r -p | tar -tf -

It may be a socket of pmtd, too.  What was answered survives power loss: pmt-pair(7).
"""
import contextlib, errno, os, socket, sqlite3, struct, sys

HELLO, LOAD, UNLOAD, DESCRIBE, READ, WRITE, MARKS, SPACE, LOCATE, REWIND = range(1, 11)
NONE, FILEMARK, EOD, BOT, EARLY_WARNING, EOM = range(6)  # what is met
INFO = struct.pack("<6IQIB27x64s", 1, 16 << 20, 0, 1, 1, 1, 0, 0, 0, b"database")

db = sqlite3.connect(sys.argv[2])
db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
db.execute("CREATE TABLE IF NOT EXISTS tape (object INTEGER PRIMARY KEY, file, data)")
marks = db.execute("SELECT length(data) = 0 FROM tape ORDER BY object")
kinds = bytearray([BOT, *(mark for mark, in marks), EOD])  # of objects, and the ends
at = file = 0  # how many objects and filemarks are before here

sock = socket.socket(socket.AF_UNIX)
end = sys.argv[1]
fd = os.open(end, os.O_RDWR) if sock.connect_ex(end) else sock.fileno()
requests = open(fd, "rb", 17 << 20)  # a node wants to be read a request at once
with contextlib.suppress(OSError):  # when pmtd has gone
    while len(header := requests.read(64)) == 64:
        size, op, _, number, *_, unit, count = struct.unpack_from("<IHHQQQIIq", header)
        record = requests.read(size - 64)
        if len(record) < size - 64:
            break
        met, done, data = NONE, op == HELLO, INFO if op == DESCRIBE else b""
        error = 0 if op <= REWIND else errno.EOPNOTSUPP
        try:
            if op in (LOAD, REWIND, LOCATE):  # count is 0 but for the last
                at = min(count, len(kinds) - 2)
                met = NONE if at == count else EOD
            elif op == READ:
                met = kinds[at + 1]
                rows = db.execute("SELECT data FROM tape WHERE object = ?", (at,))
                data = rows.fetchone()[0] if met == NONE else b""
                at, done, data = at + (met != EOD), len(data), data[:count]
            elif op in (WRITE, MARKS):
                for _ in range(count if op == MARKS else 1):
                    row = at, file, record
                    with db:  # all of it or nothing
                        db.execute("DELETE FROM tape WHERE object >= ?", (at,))
                        db.execute("INSERT INTO tape VALUES (?, ?, ?)", row)
                    kinds[at + 1 :] = bytes((not record, EOD))
                    at, file, done = at + 1, file + (not record), done + (op == MARKS)
            elif op == SPACE:  # unit 0: records, 1: filemarks, 2: to the end
                way, stop = -1 if count < 0 else 1, EOD if unit else FILEMARK
                while met < stop and (unit == 2 or done < abs(count)):
                    met = kinds[at + (way > 0)]
                    at, done = at + way * (met < EOD), done + (met == stop - 1)
                met = met if met >= stop and unit < 2 else NONE
        except sqlite3.Error as e:
            data, is_full = str(e).encode(), e.sqlite_errorcode == sqlite3.SQLITE_FULL
            met, error = (EOM, errno.ENOSPC) if is_full else (NONE, errno.EIO)
        file = kinds.count(FILEMARK, 0, at + 1)
        fields = number, at, file, 0, 1, error, done, 0, 16 << 20, 0
        reply = struct.pack("<IHHQQQIHHQQII", 64 + len(data), op, met, *fields)
        os.write(fd, reply + data)
db.close()
