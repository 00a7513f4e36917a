/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tapeop: does to a tape what it is told, one system call an operation, and
 * prints what each returned, for tests that need to know exactly:
 *
 *     $ tapeop /dev/npmt wo write:1024 close ro place tell
 *     ok 1024 ok ok 1/0 2
 *
 * A failure is the errno's name, and the next operation follows all the same.
 * Results are printed at once, so a test can wait for one.  With -n TIMES all
 * is repeated, a line each time.  The exit status says only whether the
 * operations could be understood.
 *
 * Record number k of those that a process writes, from 0, is the number as 8
 * bytes, big-endian, again and again; so a reader knows which record it has.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mtio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RECORD ((size_t)16 << 20) /* bytes */
#define PAGE ((size_t)4096)	      /* bytes */
#define UNIT sizeof(uint64_t)

struct client {
	const char *device;
	int fd;		  /* -1: not open */
	uint64_t written; /* records so far */
	uint8_t *page;	  /* MAX_RECORD + PAGE bytes from the start of a page */
	uint8_t *buf;	  /* in the first page, MAX_RECORD bytes */
	/* The operation: "NAME:ARG", and what its entry in the table says. */
	const char *arg;
	int detail;
};

static volatile sig_atomic_t alarms;

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "tapeop: %s: %s\n", what, why);
	exit(2);
}

/* Prints a result: ${success}, or a count if that is NULL; -1 means errno. */
static void
say(ssize_t n, const char *success)
{
	if (n < 0)
		(void)fputs(strerrorname_np(errno), stdout);
	else if (success != NULL)
		(void)fputs(success, stdout);
	else
		(void)printf("%zd", n);
}

/* The operation's argument, at most ${most}. */
static size_t
number(const struct client *c, size_t most)
{
	char *end;
	unsigned long n = strtoul(c->arg, &end, 10);

	if (*c->arg == '\0' || *end != '\0' || n > most)
		die(c->arg, "not a number that makes sense here");
	return n;
}

/* ---- Records ------------------------------------------------------------ */

static void
fill(uint8_t *buf, size_t len, uint64_t k)
{
	const uint64_t unit = htobe64(k);

	for (size_t i = 0; i < len; i += UNIT)
		memcpy(buf + i, &unit, len - i < UNIT ? len - i : UNIT);
}

/* Whether record ${k} could look so. */
static bool
looks_like(const uint8_t *buf, size_t len, uint64_t k)
{
	const uint64_t unit = htobe64(k);

	for (size_t i = 0; i < len; i += UNIT)
		if (memcmp(buf + i, &unit, len - i < UNIT ? len - i : UNIT) !=
		    0)
			return false;
	return true;
}

/*
 * A count below ${len} is what is left of an error that has met a later piece
 * of the record: it has not been written then.
 */
static ssize_t
write_record(struct client *c, size_t len)
{
	ssize_t n;

	fill(c->buf, len, c->written);
	n = write(c->fd, c->buf, len);
	c->written += n == (ssize_t)len;
	return n;
}

static int
tape_op(const struct client *c, int op, int count)
{
	const struct mtop mt = { .mt_op = (short)op, .mt_count = count };

	return ioctl(c->fd, MTIOCTOP, &mt);
}

/* ---- The operations ----------------------------------------------------- */

static void
op_open(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* a test that cares says "close" */
	c->fd = open(c->device, c->detail | O_CLOEXEC);
	say(c->fd, "ok");
}

/* Another open(2), of any node; it stays open. */
static void
op_open_too(struct client *c)
{
	say(open(c->arg, O_RDWR | O_NONBLOCK | O_CLOEXEC), "ok");
}

static void
op_close(struct client *c)
{
	int r = close(c->fd);

	c->fd = -1;
	say(r, "ok");
}

static void
op_write(struct client *c)
{
	say(write_record(c, number(c, MAX_RECORD)), NULL);
}

static void
op_read(struct client *c)
{
	say(read(c->fd, c->buf, number(c, MAX_RECORD)), NULL);
}

/* From here on the buffer lies so far into a page. */
static void
op_offset(struct client *c)
{
	c->buf = c->page + number(c, PAGE - 1);
	say(0, "ok");
}

/* MTIOCTOP with the operation of the table; the count is 1 if none is given. */
static void
op_tape(struct client *c)
{
	int count = *c->arg == '\0' ? 1 : (int)number(c, INT32_MAX);

	say(tape_op(c, c->detail, count), "ok");
}

static void
op_place(struct client *c)
{
	struct mtget status;
	char text[64];
	int r = ioctl(c->fd, MTIOCGET, &status);

	if (r == 0)
		(void)snprintf(text, sizeof(text), "%d/%d", status.mt_fileno,
		    status.mt_blkno); /* it fits */
	say(r, text);
}

static void
op_tell(struct client *c)
{
	struct mtpos pos;
	int r = ioctl(c->fd, MTIOCPOS, &pos);

	say(r < 0 ? r : pos.mt_blkno, NULL);
}

/* The size of another file, bytes: of the image, while the tape is in use. */
static void
op_size(struct client *c)
{
	struct stat st;
	int r = stat(c->arg, &st);

	say(r < 0 ? r : st.st_size, NULL);
}

/*
 * An ioctl by its number, with an argument that is there or is not: the bytes
 * of it that have changed.
 */
static void
op_ioctl(struct client *c)
{
	uint8_t arg[64];
	void *const nowhere = (void *)8;
	const unsigned long cmd = strtoul(c->arg, NULL, 0);
	int r;
	int n = 0;

	memset(arg, 0xa5, sizeof(arg));
	r = ioctl(c->fd, cmd, c->detail ? (void *)arg : nowhere);
	for (size_t i = 0; i < sizeof(arg); i++)
		n += arg[i] != 0xa5;
	say(r < 0 ? r : n, NULL);
}

/*
 * The same as a 32-bit program does it: by the system calls of i386, which any
 * program of x86-64 can make if the kernel has them; "none" if it has not.
 */
static void
op_ioctl_32(struct client *c)
{
#ifdef __x86_64__
	const long number_of_getpid = 20;
	const long number_of_ioctl = 54;
	uint8_t *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long r;
	int n = 0;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(number_of_getpid)
			 : "memory");
	if (arg == MAP_FAILED || r != getpid()) {
		say(0, "none");
		return;
	}
	memset(arg, 0xa5, PAGE);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(number_of_ioctl), "b"((long)c->fd),
			 "c"(strtoul(c->arg, NULL, 0)), "d"(arg)
			 : "memory");
	for (size_t i = 0; i < PAGE; i++)
		n += arg[i] != 0xa5;
	(void)munmap(arg, PAGE); /* it was mapped */
	errno = r < 0 ? (int)-r : 0;
	say(r < 0 ? -1 : n, NULL);
#else
	(void)c;
	say(0, "none");
#endif
}

/* Makes a copy of the descriptor and closes that. */
static void
op_dup(struct client *c)
{
	say(close(dup(c->fd)), "ok");
}

/*
 * A child inherits the descriptor, writes a record if one is asked for, and
 * exits without closing it.
 */
static void
op_fork(struct client *c)
{
	pid_t pid;

	(void)fflush(stdout); /* or the child might write it again */
	pid = fork();
	if (pid == 0 && *c->arg != '\0')
		(void)write_record(c,
		    number(c, MAX_RECORD)); /* or it is missing */
	if (pid == 0)
		_exit(0);
	c->written += *c->arg != '\0';
	say(pid < 0 ? -1 : waitpid(pid, NULL, 0), "ok");
}

/* Whether a process sleeps, as it does in a system call that takes its time. */
static bool
sleeps(pid_t pid)
{
	char path[32], state = '?';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	(void)!fscanf(f, "%*d (%*[^)]) %c", &state); /* '?' is not it */
	(void)fclose(f);			     /* only read from */
	return state == 'S' || state == 'D';
}

/*
 * A child inherits the descriptor and writes a record, which takes its time:
 * what follows here finds the drive in use by it.  It is not waited for.
 */
static void
op_also(struct client *c)
{
	pid_t pid;

	(void)fflush(stdout); /* or the child might write it again */
	pid = fork();
	if (pid == 0) {
		(void)write_record(c, number(c, MAX_RECORD)); /* as above */
		_exit(0);
	}
	c->written++;
	while (pid > 0 && !sleeps(pid) && waitpid(pid, NULL, WNOHANG) == 0)
		continue;
	say(pid, "ok");
}

/* Until somebody has opened a fifo for writing and closed it again. */
static void
op_wait(struct client *c)
{
	int fd = open(c->arg, O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0)
		die(c->arg, strerror(errno));
	while (read(fd, &byte, 1) > 0)
		continue;
	say(close(fd), "ok");
}

static void
on_alarm(int signal_number)
{
	(void)signal_number;
	alarms = 1;
}

/* From here on a SIGALRM that often, microseconds; 0 ends it. */
static void
op_alarm(struct client *c)
{
	struct sigaction sa = { .sa_handler = on_alarm }; /* no SA_RESTART */
	struct itimerval every = { .it_interval.tv_usec =
				       (suseconds_t)number(c, 999999) };

	every.it_value = every.it_interval;
	(void)sigaction(SIGALRM, &sa, NULL); /* the arguments are good */
	say(setitimer(ITIMER_REAL, &every, NULL), "ok");
}

/* Whether there has been a SIGALRM. */
static void
op_alarmed(struct client *c)
{
	(void)c;
	say(0, alarms != 0 ? "yes" : "no");
}

/* ---- Many records ------------------------------------------------------- */

/* Writes records of one size until that fails; says how many there were. */
static void
op_fill(struct client *c)
{
	const uint64_t before = c->written;
	const size_t size = number(c, MAX_RECORD);
	ssize_t n;

	do
		n = write_record(c, size);
	while (n == (ssize_t)size);
	(void)printf("%" PRIu64 " ", c->written - before);
	say(n, NULL);
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

/* Small records and large ones, more than one request can carry, too. */
static size_t
random_size(uint64_t *seed)
{
	static const size_t most[] = { 600, 65536, 65536, 300000 };

	return UNIT + next_random(seed) % most[next_random(seed) % 4];
}

/*
 * Writes records and now and then a filemark until something fails, and prints
 * what has been acknowledged: "LENGTH#K" or "mark", as op_drain() does.  The
 * argument makes the sequence.
 */
static void
op_flood(struct client *c)
{
	uint64_t seed = number(c, INT32_MAX);
	size_t size;
	ssize_t n;

	for (;;) {
		if (next_random(&seed) % 8 == 0) {
			n = tape_op(c, MTWEOF, 1);
			if (n < 0)
				break;
			(void)fputs("mark ", stdout);
		} else {
			size = random_size(&seed);
			n = write_record(c, size);
			if (n != (ssize_t)size)
				break;
			(void)printf("%zu#%" PRIu64 " ", size, c->written - 1);
		}
	}
	say(n, NULL);
}

/* Whether the read that has just given 0 met the end of data: no filemark. */
static bool
at_end(const struct client *c)
{
	struct mtget status;

	return ioctl(c->fd, MTIOCGET, &status) == 0 &&
	    GMT_EOD(status.mt_gstat) != 0;
}

/*
 * Reads all that follows, and prints it.  Records are numbered as they come;
 * one that is not as it was written is "damaged".  The end of the data is
 * "end", or EIO if no filemark comes before it.
 */
static void
op_drain(struct client *c)
{
	uint64_t k = 0;
	ssize_t n;

	while ((n = read(c->fd, c->buf, MAX_RECORD)) >= 0) {
		if (n == 0 && at_end(c))
			break;
		if (n == 0)
			(void)fputs("mark ", stdout);
		else if (looks_like(c->buf, (size_t)n, k))
			(void)printf("%zd#%" PRIu64 " ", n, k++);
		else
			(void)printf("%zd#damaged ", n);
	}
	say(n, "end");
}

/* ---- The command line --------------------------------------------------- */

struct operation {
	const char *name;
	void (*call)(struct client *c);
	int detail;
};

static const struct operation operations[] = {
	{ "ro", op_open, O_RDONLY },
	{ "wo", op_open, O_WRONLY },
	{ "rw", op_open, O_RDWR },
	{ "open", op_open_too, 0 },
	{ "close", op_close, 0 },
	{ "write", op_write, 0 },
	{ "read", op_read, 0 },
	{ "offset", op_offset, 0 },
	{ "weof", op_tape, MTWEOF },
	{ "fsr", op_tape, MTFSR },
	{ "rewind", op_tape, MTREW },
	{ "eom", op_tape, MTEOM },
	{ "erase", op_tape, MTERASE },
	{ "nop", op_tape, MTNOP },
	{ "place", op_place, 0 },
	{ "tell", op_tell, 0 },
	{ "size", op_size, 0 },
	{ "ioctl", op_ioctl, 1 },
	{ "badioctl", op_ioctl, 0 },
	{ "ioctl32", op_ioctl_32, 0 },
	{ "dup", op_dup, 0 },
	{ "fork", op_fork, 0 },
	{ "also", op_also, 0 },
	{ "wait", op_wait, 0 },
	{ "alarm", op_alarm, 0 },
	{ "alarmed", op_alarmed, 0 },
	{ "fill", op_fill, 0 },
	{ "flood", op_flood, 0 },
	{ "drain", op_drain, 0 },
};

/* "NAME" or "NAME:ARG" */
static void
run(struct client *c, const char *text)
{
	const size_t len = strcspn(text, ":");
	const struct operation *o = operations;
	const struct operation *end =
	    o + sizeof(operations) / sizeof(operations[0]);

	while (o < end &&
	    (strlen(o->name) != len || memcmp(o->name, text, len) != 0))
		o++;
	if (o == end)
		die(text, "no such operation");
	c->arg = text[len] == ':' ? text + len + 1 : "";
	c->detail = o->detail;
	o->call(c);
}

int
main(int argc, char **argv)
{
	struct client c = { .fd = -1 };
	unsigned long times = 1;
	int first = 2;

	if (argc > 4 && strcmp(argv[2], "-n") == 0) {
		times = strtoul(argv[3], NULL, 10);
		first = 4;
	}
	if (argc <= first)
		die("usage", "tapeop DEVICE [-n TIMES] OPERATION...");
	c.device = argv[1];
	c.page = aligned_alloc(PAGE, MAX_RECORD + PAGE);
	if (c.page == NULL)
		die("memory", strerror(errno));
	c.buf = c.page;
	while (times-- > 0)
		for (int i = first; i < argc; i++) {
			run(&c, argv[i]);
			(void)putchar(i + 1 < argc ? ' ' : '\n');
			(void)fflush(stdout); /* or a reader would miss it */
		}
	free(c.page);
	return 0;
}
