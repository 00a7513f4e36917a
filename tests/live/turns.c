/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * turns: processes that write to a tape through one descriptor in turn, as
 * dump(8) has them, under a storm of signals:
 *
 *     $ turns /dev/npmt 3 100 10240 500
 *     100 records, 171 signals in write
 *
 * are 3 processes and 100 records of 10240 bytes; every 500 microseconds each
 * process gets SIGUSR2 or SIGALRM from their parent, which says nothing about
 * whose turn it is, and each sends the next one SIGUSR2 when it is.  Neither
 * handler has SA_RESTART.  The first write that does not give its full count
 * ends it, with status 1 and a line that says what it gave.
 *
 * Record number k is the number as 8 bytes, big-endian, again and again, as
 * tapeop writes it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WRITERS 16
#define MAX_RECORD ((size_t)16 << 20) /* bytes */

/* Seen by all processes. */
struct shared {
	_Atomic uint64_t turn; /* the record that is to be written next */
	_Atomic bool failed;
	_Atomic unsigned long struck; /* signals that came during a write */
	_Atomic pid_t writers[MAX_WRITERS];
};

static struct shared *shared;
static volatile sig_atomic_t writing;

/* The arguments. */
static int fd;
static unsigned long n_writers, n_records, record_size, interval;

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "turns: %s: %s\n", what, why);
	exit(2);
}

static unsigned long
number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (n == 0 || *end != '\0' || n > most)
		die(text, "not a number that makes sense here");
	return n;
}

static void
on_signal(int signal_number)
{
	(void)signal_number;
	if (writing)
		atomic_fetch_add(&shared->struck, 1);
}

static bool
has_ended(void)
{
	return atomic_load(&shared->turn) >= n_records ||
	    atomic_load(&shared->failed);
}

/* Sleeps until it is the turn of ${writer}; false if there is nothing left. */
static bool
await_turn(unsigned long writer)
{
	sigset_t set, before;
	bool goes_on;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, &before); /* or one could be lost */
	while (!has_ended() && atomic_load(&shared->turn) % n_writers != writer)
		(void)sigsuspend(&before); /* always EINTR */
	goes_on = !has_ended();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return goes_on;
}

static void
fill(uint8_t *buf, uint64_t k)
{
	const uint64_t unit = htobe64(k);

	for (size_t i = 0; i < record_size; i += sizeof(unit))
		memcpy(buf + i, &unit,
		    record_size - i < sizeof(unit) ? record_size - i
						   : sizeof(unit));
}

/* False: after a line that says what came of it. */
static bool
write_record(const uint8_t *buf, uint64_t k)
{
	ssize_t n;

	writing = 1;
	n = write(fd, buf, record_size);
	writing = 0;
	if (n == (ssize_t)record_size)
		return true;
	(void)printf("record %llu: %zd %s\n", (unsigned long long)k, n,
	    n < 0 ? strerrorname_np(errno) : "bytes");
	(void)fflush(stdout); /* before _exit() */
	return false;
}

/* One of the processes.  It exits without closing, as dump's do. */
static _Noreturn void
run_writer(unsigned long writer)
{
	uint8_t *buf = malloc(record_size);
	unsigned long next = (writer + 1) % n_writers;
	uint64_t k;

	if (buf == NULL)
		_exit(2);
	while (await_turn(writer)) {
		k = atomic_load(&shared->turn);
		fill(buf, k);
		if (!write_record(buf, k))
			atomic_store(&shared->failed, true);
		atomic_store(&shared->turn, k + 1);
		(void)kill(atomic_load(&shared->writers[next]), SIGUSR2);
	}
	_exit(0);
}

static void
start_writers(void)
{
	pid_t pid;

	for (unsigned long i = 0; i < n_writers; i++) {
		pid = fork();
		if (pid < 0)
			die("fork", strerror(errno));
		if (pid == 0) {
			/* Until all are known no turn is passed on. */
			while (
			    atomic_load(&shared->writers[n_writers - 1]) == 0)
				continue;
			run_writer(i);
		}
		atomic_store(&shared->writers[i], pid);
	}
}

/* To every writer that is still there. */
static void
signal_all(int signal_number)
{
	for (unsigned long i = 0; i < n_writers; i++)
		if (shared->writers[i] != 0)
			(void)kill(shared->writers[i], signal_number);
}

/* Whether there was one that had ended; ${well}: false if it ended badly. */
static bool
reap_one(bool *well)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid <= 0)
		return false;
	for (unsigned long i = 0; i < n_writers; i++)
		if (shared->writers[i] == pid)
			shared->writers[i] = 0; /* signalled no more */
	*well = *well && status == 0;
	return true;
}

/* Until all writers have ended; whether they all ended well. */
static bool
storm(void)
{
	const struct timespec gap = { .tv_sec = (time_t)(interval / 1000000),
		.tv_nsec = (long)(interval % 1000000 * 1000) };
	unsigned long left = n_writers;
	bool well = true;

	for (unsigned turn = 0; left > 0; turn++) {
		signal_all(turn % 2 == 0 ? SIGUSR2 : SIGALRM);
		(void)nanosleep(&gap, NULL); /* sooner is fine */
		while (has_ended() && left > 0 && reap_one(&well))
			left--;
	}
	return well;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART */
	bool well;

	if (argc != 6)
		die("usage",
		    "turns DEVICE PROCESSES RECORDS SIZE MICROSECONDS");
	n_writers = number(argv[2], MAX_WRITERS);
	n_records = number(argv[3], 1000000);
	record_size = number(argv[4], MAX_RECORD);
	interval = number(argv[5], 1000000);
	fd = open(argv[1], O_WRONLY); /* for the processes, too */
	if (fd < 0)
		die(argv[1], strerror(errno));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap", strerror(errno));
	(void)sigaction(SIGUSR2, &sa, NULL); /* the arguments are good */
	(void)sigaction(SIGALRM, &sa, NULL);
	start_writers();
	well = storm() && !shared->failed;
	if (close(fd) < 0)
		die("close", strerror(errno));
	(void)printf("%llu records, %lu signals in write\n",
	    (unsigned long long)shared->turn, shared->struck);
	return well ? 0 : 1;
}
