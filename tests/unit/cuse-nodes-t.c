/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes as programs see them, with the real kernel: files over FUSE, and device
 * nodes where there is /dev/cuse.  The test is both the process that serves
 * them and a program that uses them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive.h"
#include "memtape.h"
#include "nodes.h"
#include "spec.h"
#include "tap.h"

#define WAIT_MS 5000 /* for anything that has to happen */
#define NAME "pmttest"

static struct drive *drive;
static struct nodes *nodes;
static char dir[64]; /* "/dev", or where the file system is mounted */
static bool over_cuse;
static uint8_t buf[65536];

/* ---- The drive and its nodes -------------------------------------------- */

/* What a write to a tape that hangs tells, and whom. */
static struct tape_ops hanging;
static int hangs_fd;

static int
hang(struct tape *t, const void *data, size_t len, enum tape_cond *ret_cond)
{
	(void)t;
	(void)data;
	(void)len;
	(void)ret_cond;
	(void)!write(hangs_fd, "h", 1);
	while (pause() < 0)
		continue;
	return 0;
}

static struct drive *
new_drive(uint64_t objects)
{
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = 1 << 20,
		    .granularity = 1,
		    .objects = objects,
		    .warn_objects = objects / 2 },
		.keeps = 1 << 20,
		.max_partitions = 1,
		.refused_density = -1,
	};
	struct tape *t = memtape_new(&config);
	struct drive *d;

	if (t == NULL)
		tap_bail("no tape");
	if (hangs_fd > 0) {
		hanging = *t->ops;
		hanging.write = hang;
		t->ops = &hanging;
	}
	d = drive_new(t);
	if (d == NULL)
		tap_bail("no drive");
	return d;
}

static struct nodes_config
config_of(const char *name)
{
	return (struct nodes_config){
		.name = name,
		.fuse_dir = over_cuse ? NULL : dir,
		.mode = 0640,
		.uid = NODES_DEFAULT_UID,
		.gid = NODES_DEFAULT_GID,
	};
}

static void
start(uint64_t objects)
{
	const struct nodes_config config = config_of(NAME);
	struct spec_error e;

	drive = new_drive(objects);
	if (nodes_start(drive, &config, &nodes, &e) < 0)
		tap_bail("%s", e.text);
}

static void
stop(void)
{
	tap_is_int(0, nodes_stop(nodes, WAIT_MS), "the nodes come to rest");
	(void)drive_shutdown(drive); /* its result is not the test */
	nodes_free(nodes);
	drive_free(drive);
}

static const char *
path_of(const char *name)
{
	static char path[sizeof(dir) + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int
open_node(const char *name, int flags)
{
	int fd = open(path_of(name), flags | O_CLOEXEC);

	if (fd < 0)
		tap_bail("%s: %s", path_of(name), strerror(errno));
	return fd;
}

static struct mtget
status_of(int fd)
{
	struct mtget status;

	if (ioctl(fd, MTIOCGET, &status) < 0)
		tap_bail("MTIOCGET: %s", strerror(errno));
	return status;
}

/* ---- Both transports ---------------------------------------------------- */

static void
test_close(void)
{
	int fd;

	start(0);
	fd = open_node("n" NAME, O_RDWR | O_CREAT | O_TRUNC);
	tap_is_int(-1, open(path_of(NAME), O_RDONLY | O_NONBLOCK),
	    "the two nodes are one drive");
	tap_is_int(EBUSY, errno, "... which is busy");
	tap_is_int(512, write(fd, buf, 512), "a record is written");
	tap_is_int(0, close(fd), "... and the file closed");
	fd = open_node("n" NAME, O_RDWR);
	tap_is_int(1, status_of(fd).mt_fileno,
	    "closing has written a filemark");
	tap_is_int(0, close(fd), "... and not rewound");
	fd = open_node(NAME, O_RDWR);
	tap_is_int(1, status_of(fd).mt_fileno,
	    "the other node stands there, too");
	tap_is_int(0, close(fd), "... but rewinds on close");
	fd = open_node(NAME, O_RDWR);
	tap_is_int(512, read(fd, buf, sizeof(buf)), "the record is read back");
	tap_is_int(0, read(fd, buf, sizeof(buf)), "... then the filemark");
	(void)close(fd);
	stop();
}

/* dump closes and opens again in a loop: the drive must be free at once. */
static void
test_reopen(void)
{
	int good = 0;
	int i;

	start(0);
	for (i = 0; i < 300; i++) {
		int fd = open(path_of("n" NAME), O_RDWR | O_CLOEXEC);

		if (fd < 0)
			continue;
		good += write(fd, buf, 10) == 10;
		good += status_of(fd).mt_fileno == i;
		good += close(fd) == 0;
	}
	tap_is_int(3 * 300, good,
	    "a node can be opened as soon as it is closed");
	stop();
}

static void
test_calls(void)
{
	struct pollfd ready = { .events = POLLIN | POLLOUT };
	int fd;

	start(0);
	fd = open_node("n" NAME, O_RDWR);
	tap_is_int(-1, fsync(fd), "fsync fails");
	tap_is_int(EINVAL, errno, "... as on a tape");
	ready.fd = fd;
	tap_is_int(1, poll(&ready, 1, 0), "poll returns at once");
	tap_is_int(POLLIN | POLLOUT, ready.revents, "... ready for everything");
	tap_is_int(-1, ioctl(fd, 0x5401), "an ioctl of terminals fails");
	tap_is_int(EINVAL, errno, "... as on a tape");
	tap_ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED,
	    "a node can't be mapped");
	tap_is_int(over_cuse ? 0 : -1, (int64_t)lseek(fd, 100, SEEK_SET),
	    "seeking does nothing");
	tap_is_int(5, write(fd, buf, 5), "a write after it is a write");
	tap_is_int(7, write(fd, buf, 7), "... and another one");
	tap_is_int(2, status_of(fd).mt_blkno, "... and both are records");
	(void)close(fd);
	fd = open_node("n" NAME, O_WRONLY | O_APPEND);
	tap_is_int(70, write(fd, buf, 70), "an appending write is a write");
	tap_is_int(80, write(fd, buf, 80), "... and another one");
	tap_is_int(2, status_of(fd).mt_blkno, "... and both are records");
	(void)close(fd);
	stop();
}

static void
test_mode(void)
{
	struct stat st;

	start(0);
	tap_is_int(0, stat(path_of(NAME), &st), "the node is there");
	tap_is_int(over_cuse ? S_IFCHR : S_IFREG, st.st_mode & S_IFMT,
	    "... of the right type");
	tap_is_int(0640, st.st_mode & 07777, "... with its mode");
	tap_is_int(0, st.st_size, "... and without a size");
	tap_is_int(0, chmod(path_of(NAME), 0600), "its mode can be changed");
	(void)stat(path_of(NAME), &st);
	tap_is_int(0600, st.st_mode & 07777, "... and then is another");
	stop();
	tap_is_int(-1, stat(path_of(NAME), &st), "at the end the node is gone");
}

/* Who has a node open when it goes away is told so. */
static void
test_vanish(void)
{
	int fd;

	start(0);
	fd = open_node("n" NAME, O_RDWR);
	tap_is_int(512, write(fd, buf, 512), "a record is written");
	stop();
	tap_is_int(-1, write(fd, buf, 512), "without its node a write fails");
	tap_ok(errno == ENOTCONN || errno == ECONNABORTED,
	    "... as the connection is gone (%s)", strerror(errno));
	(void)close(fd);
}

static void
refuses(const struct nodes_config *config, int err, const char *words)
{
	struct drive *d = new_drive(0);
	struct spec_error e = { .text = "" };
	struct nodes *n;

	tap_is_int(-err, nodes_start(d, config, &n, &e), "\"%s\" is refused",
	    config->name);
	tap_ok(strstr(e.text, words) != NULL, "... saying \"%s\"", words);
	tap_diag("%s", e.text);
	drive_free(d);
}

static void
test_refused(void)
{
	struct nodes_config config = config_of("a/b");

	refuses(&config, EINVAL, "letters");
	config.name = "";
	refuses(&config, EINVAL, "letters");
	config.name = ".x";
	refuses(&config, EINVAL, "letters");
	config.name = NAME;
	start(0);
	refuses(&config, over_cuse ? EEXIST : EBUSY, "already");
	stop();
}

/* Waits for a byte. */
static void
await(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char byte;

	if (poll(&ready, 1, WAIT_MS) != 1 || read(fd, &byte, 1) != 1)
		tap_bail("a process does not come to its point");
}

/* A program that is to hang; 0 if it is set free by an error. */
static int
write_and_hang(int may_start)
{
	int fd;

	await(may_start);
	fd = open(path_of("n" NAME), O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, buf, 512) < 0 &&
		(errno == ENOTCONN || errno == ECONNABORTED)
	    ? 0
	    : 1;
}

/* A process whose tape hangs; 0 if it can end, and nobody hangs with it. */
static int
serve_and_hang(void)
{
	int may_start[2];
	int hangs[2];
	int status = -1;
	pid_t pid;
	int r;

	if (pipe(may_start) < 0 || pipe(hangs) < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(write_and_hang(may_start[0]));
	hangs_fd = hangs[1];
	start(0);
	(void)!write(may_start[1], "s", 1);
	await(hangs[0]);
	r = nodes_stop(nodes, 50);
	nodes_free(nodes);
	(void)waitpid(pid, &status, 0);
	return r == -ETIMEDOUT && status == 0 ? 0 : 1;
}

static void
test_stuck(void)
{
	struct stat st;
	int status = -1;
	pid_t pid = fork();

	/* Not by _exit(3), where sanitizers look for threads that hang. */
	if (pid == 0)
		(void)syscall(SYS_exit_group, serve_and_hang());
	(void)waitpid(pid, &status, 0);
	tap_is_int(0, status,
	    "when the tape hangs at the end, programs are set free");
	tap_is_int(-1, stat(path_of(NAME), &st), "... and the node is gone");
}

static void
test_both(void)
{
	test_close();
	test_reopen();
	test_calls();
	test_mode();
	test_vanish();
	test_refused();
	test_stuck();
}

/* ---- FUSE --------------------------------------------------------------- */

static void
test_directory(void)
{
	struct dirent *entry;
	int others = 0;
	int ours = 0;
	DIR *d;

	start(0);
	d = opendir(dir);
	if (d == NULL)
		tap_bail("%s: %s", dir, strerror(errno));
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, NAME) == 0 ||
		    strcmp(entry->d_name, "n" NAME) == 0)
			ours++;
		else if (entry->d_name[0] != '.')
			others++;
	}
	(void)closedir(d);
	tap_is_int(2, ours, "the directory has the two nodes");
	tap_is_int(0, others, "... and nothing else");
	tap_is_int(-1, open(path_of("new"), O_CREAT | O_WRONLY, 0600),
	    "nothing can be created there");
	tap_is_int(EPERM, errno, "... by anybody");
	tap_is_int(-1, mkdir(path_of("new"), 0700), "no directory either");
	tap_is_int(-1, unlink(path_of(NAME)), "nor can a node be removed");
	tap_is_int(EPERM, errno, "... by anybody");
	tap_is_int(0, truncate(path_of(NAME), 0), "truncation does nothing");
	stop();
}

/* FUSE can say what a tape drive says at close; a device can't. */
static void
test_close_fails(void)
{
	int fd;
	int r;

	start(4);
	fd = open_node("n" NAME, O_WRONLY);
	do {
		r = (int)write(fd, buf, 100);
		if (r < 0)
			r = (int)write(fd, buf, 100); /* past the warning */
	} while (r > 0);
	tap_is_int(ENOSPC, errno, "the tape is full to the last object");
	tap_is_int(-1, close(fd), "close fails if its filemark does not fit");
	tap_is_int(EIO, errno, "... with EIO");
	fd = open_node("n" NAME, O_RDONLY);
	tap_ok(status_of(fd).mt_fileno == 0, "... and that is told only once");
	(void)close(fd);
	stop();
}

/* A forked child's exit closes its copy: the parent goes on writing. */
static void
test_duplicates(void)
{
	pid_t pid;
	int fd;

	start(0);
	fd = open_node("n" NAME, O_RDWR);
	(void)!write(fd, buf, 10);
	pid = fork();
	if (pid == 0)
		_exit(close(fd) == 0 ? 0 : 1);
	(void)waitpid(pid, NULL, 0);
	tap_is_int(20, write(fd, buf, 20), "after a child has closed its copy");
	tap_is_int(2, status_of(fd).mt_blkno, "... the file goes on");
	(void)close(fd);
	fd = open_node("n" NAME, O_RDWR);
	tap_is_int(1, status_of(fd).mt_fileno, "... and has one filemark");
	(void)close(fd);
	stop();
}

/* Runs a command that needs no shell; its exit status. */
static int
run(const char *program, const char *a, const char *b, const char *c)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp(program, program, a, b, c, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_unmounted(void)
{
	struct pollfd ended = { .events = POLLIN };

	start(0);
	ended.fd = nodes_ended_fd(nodes);
	tap_is_int(0, poll(&ended, 1, 0),
	    "nodes that are served have not ended");
	tap_is_int(0, run("fusermount3", "-u", dir, NULL),
	    "somebody unmounts them");
	tap_is_int(1, poll(&ended, 1, WAIT_MS), "... and that is told");
	stop();
}

/* A process that dies leaves a mount behind; the message tells what to do. */
static void
test_stale(void)
{
	const struct nodes_config config = config_of(NAME);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		start(0);
		(void)kill(getpid(), SIGKILL);
	}
	(void)waitpid(pid, &status, 0);
	refuses(&config, ENOTCONN, "fusermount3 -u");
	tap_is_int(0, run("fusermount3", "-u", dir, NULL), "... which works");
}

/* An ordinary user can have nodes of his own. */
static int
be_a_user(uid_t user)
{
	struct stat st;
	int fd;

	(void)snprintf(dir, sizeof(dir), "/tmp/pmt-nodes-XXXXXX");
	if (setresgid(user, user, user) < 0 ||
	    setresuid(user, user, user) < 0 || mkdtemp(dir) == NULL)
		return 2;
	start(0);
	fd = open(path_of(NAME), O_RDWR | O_CLOEXEC);
	if (fd < 0 || write(fd, buf, 512) != 512 || close(fd) < 0 ||
	    stat(path_of(NAME), &st) < 0 || st.st_uid != user)
		return 1;
	if (nodes_stop(nodes, WAIT_MS) < 0)
		return 1;
	nodes_free(nodes);
	return rmdir(dir) == 0 ? 0 : 1;
}

static void
test_user(void)
{
	int status = -1;
	struct stat st;
	pid_t pid;

	if (geteuid() != 0 || stat("/dev/fuse", &st) < 0 ||
	    (st.st_mode & 06) != 06)
		return; /* we are one, or there can't be one */
	pid = fork();
	if (pid == 0)
		_exit(be_a_user(65534));
	(void)waitpid(pid, &status, 0);
	tap_is_int(0, status, "an ordinary user can have nodes of his own");
}

static void
test_fuse(void)
{
	over_cuse = false;
	(void)snprintf(dir, sizeof(dir), "/tmp/pmt-nodes-XXXXXX");
	if (mkdtemp(dir) == NULL)
		tap_bail("%s: %s", dir, strerror(errno));
	test_both();
	test_directory();
	test_close_fails();
	test_duplicates();
	test_unmounted();
	test_stale();
	(void)rmdir(dir);
	test_user();
}

/* ---- CUSE --------------------------------------------------------------- */

/* close(2) can't tell; so the next operation of the next open file does. */
static void
test_close_error_kept(void)
{
	int fd;
	int r;

	start(4);
	fd = open_node("n" NAME, O_WRONLY);
	do {
		r = (int)write(fd, buf, 100);
		if (r < 0)
			r = (int)write(fd, buf, 100); /* past the warning */
	} while (r > 0);
	tap_is_int(0, close(fd), "close can't fail over CUSE");
	fd = open_node("n" NAME, O_RDONLY);
	tap_is_int(-1, read(fd, buf, 100), "but the next operation does");
	tap_is_int(EIO, errno, "... with what close should have said");
	(void)close(fd);
	stop();
}

static void
test_aborted(void)
{
	static const char abort_file[] = "/sys/class/cuse/" NAME "/abort";
	struct pollfd ended = { .events = POLLIN };
	int fd;

	start(0);
	ended.fd = nodes_ended_fd(nodes);
	fd = open(abort_file, O_WRONLY | O_CLOEXEC);
	tap_is_int(1, fd < 0 ? -1 : write(fd, "1", 1),
	    "somebody aborts a node");
	tap_is_int(1, poll(&ended, 1, WAIT_MS), "... and that is told");
	(void)close(fd);
	stop();
}

static void
test_cuse(void)
{
	struct stat st[2];

	over_cuse = true;
	(void)snprintf(dir, sizeof(dir), "/dev");
	test_both();
	start(0);
	(void)stat("/dev/" NAME, &st[0]);
	(void)stat("/dev/n" NAME, &st[1]);
	tap_is_int((int64_t)st[0].st_rdev + 1, (int64_t)st[1].st_rdev,
	    "the nodes have one major number, and minors in order");
	stop();
	test_close_error_kept();
	test_aborted();
}

static void
test_no_cuse(void)
{
	const struct nodes_config config = { .name = NAME };

	refuses(&config, ENOENT, "modprobe cuse");
	refuses(&config, ENOENT, "--fuse");
}

int
main(void)
{
	if (access("/dev/fuse", R_OK | W_OK) == 0)
		test_fuse();
	if (access("/dev/cuse", R_OK | W_OK) == 0)
		test_cuse();
	else if (access("/dev/cuse", F_OK) < 0)
		test_no_cuse();
	return tap_done();
}
