/* SPDX-License-Identifier: BSD-2-Clause */
/* One pmtserve takes over from another; see pmtserve_hand.h. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <pmt/pair.h>

#include "log.h"
#include "pmtserve_hand.h"
#include "serve.h"
#include "spec.h"

/* What the old one gets to end by itself, before the new one goes on. */
#define FAREWELL_MS 10000

/*
 * What the old one waits for the first word of who has connected, ms: for so
 * long the drive is not answered, so it comes right after the connection.
 */
#define ASK_MS 2000

/* How soon is tried again what failed for want of descriptors, ms. */
#define AGAIN_MS 10

/* What the new one says first, so that nothing is done for a stranger... */
static const char asked[] = "pmtserve: take";
/* ... and when it is the tape. */
static const char taken[] = "pmtserve: taken";

struct pmtserve_hand {
	const char *path;
	int fd;
	int successor; /* closed by the end of the process, as a sign; or -1 */
};

/* ---- The socket ---------------------------------------------------------- */

static int
address_of(const char *path, struct sockaddr_un *ret_address,
    struct spec_error *e)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return spec_fail(e, ENAMETOOLONG,
		    "%s: too long for the name of a socket", path);
	strcpy(ret_address->sun_path, path); /* it fits */
	return 0;
}

static int
connect_to(const char *path, struct spec_error *e)
{
	struct sockaddr_un address;
	int r = address_of(path, &address, e);
	int fd;

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return spec_fail(e, errno, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = spec_fail(e, errno, "%s: %s", path, strerror(errno));
	(void)close(fd); /* it was never connected */
	return r;
}

/* Only our own user, and root, may connect. */
static int
bind_to(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(S_IRWXG | S_IRWXO);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	r = r < 0 ? -errno : 0;
	(void)umask(mask); /* it can't fail */
	return r;
}

/* A socket that is left from before a crash is no reason to fail. */
static int
bind_anew(int fd, const struct sockaddr_un *address)
{
	struct spec_error e;
	int r = bind_to(fd, address), other;

	if (r != -EADDRINUSE)
		return r;
	other = connect_to(address->sun_path, &e);
	if (other >= 0)
		(void)close(other); /* somebody listens */
	if (other != -ECONNREFUSED || unlink(address->sun_path) < 0)
		return r;
	return bind_to(fd, address);
}

int
pmtserve_hand_listen(const char *path, struct pmtserve_hand **ret_hand,
    struct spec_error *e)
{
	struct pmtserve_hand *h = calloc(1, sizeof(*h));
	struct sockaddr_un address;
	int r = address_of(path, &address, e);

	if (h == NULL)
		r = spec_fail(e, ENOMEM, "out of memory");
	if (r < 0) {
		free(h);
		return r;
	}
	h->path = path;
	h->successor = -1;
	h->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = h->fd < 0 ? -errno : bind_anew(h->fd, &address);
	if (r == 0 && listen(h->fd, 1) < 0)
		r = -errno;
	if (r == 0) {
		*ret_hand = h;
		return 0;
	}
	if (h->fd >= 0)
		(void)close(h->fd); /* nobody has connected */
	free(h);
	return spec_fail(e, -r, "--handover %s: %s", path, strerror(-r));
}

int
pmtserve_hand_fd(const struct pmtserve_hand *h)
{
	return h == NULL ? -1 : h->fd;
}

void
pmtserve_hand_free(struct pmtserve_hand *h)
{
	if (h == NULL)
		return;
	(void)unlink(h->path); /* somebody may have been quicker */
	(void)close(h->fd);    /* it holds nothing */
	free(h);
}

/* ---- The old one --------------------------------------------------------- */

/* The longest word. */
#define WORD_MAX sizeof(taken)

/*
 * Waits until the new one has said ${word}, of ${len} bytes: 1; 0: something
 * else, nothing more, or nothing for ${timeout_ms} (-1: for ever); -ECANCELED:
 * we are to end.
 */
static int
hear(int fd, int stop_fd, const char *word, size_t len, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN } };
	char said[WORD_MAX] = "";
	size_t have = 0;
	ssize_t n = 1;
	int r;

	while (n > 0 && have < len) {
		r = poll(fds, 2, timeout_ms);
		if (r < 0)
			continue; /* a signal for nobody */
		if (r > 0 && fds[0].revents == 0)
			return -ECANCELED;
		n = r == 0 ? 0 : recv(fd, said + have, len - have, 0);
		have += n > 0 ? (size_t)n : 0;
	}
	return have == len && memcmp(said, word, len) == 0;
}

/* The tape is unloaded, and the pair may be with somebody who gave up. */
static int
go_on(struct serve *s, const struct serve_place *place)
{
	int r = serve_return(s, place);

	if (r < 0)
		log_error("the tape can't be loaded again: %s", serve_why(s));
	else
		log_warning("nobody has taken over; it goes on here");
	return r;
}

static int
give(struct pmt_pair *pair, const struct serve_place *place, int fd)
{
	char text[SERVE_PLACE_TEXT];
	int r;

	serve_place_put(place, text);
	r = pmt_pair_give(pair, fd, text, strlen(text));
	if (r < 0)
		log_error("the pair can't be given: %s", strerror(-r));
	return r;
}

static int
give_all(struct pmt_pair *pair, struct serve *s, int fd, int stop_fd)
{
	struct serve_place place;
	int r = serve_leave(s, &place);

	if (r < 0)
		log_error("not handed over: %s", serve_why(s));
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	if (give(pair, &place, fd) < 0)
		return go_on(s, &place);
	/*
	 * With no bound but its death: whatever it takes to load a tape, who
	 * went on here would write to the one that is loaded there.
	 */
	r = hear(fd, stop_fd, taken, sizeof(taken), -1);
	return r != 0 ? r : go_on(s, &place);
}

int
pmtserve_hand_over(struct pmtserve_hand *h, struct pmt_pair *pair,
    struct serve *s, int stop_fd)
{
	int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
	int r;

	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED)
			(void)poll(&stop, 1, AGAIN_MS); /* it waits */
		return 0; /* else it has thought better of it */
	}
	r = hear(fd, stop_fd, asked, sizeof(asked), ASK_MS);
	if (r > 0)
		r = give_all(pair, s, fd, stop_fd);
	if (r > 0)
		h->successor = fd;
	else
		(void)close(fd); /* what was to be said is said */
	return r;
}

/* ---- The new one --------------------------------------------------------- */

static void
wait_for_farewell(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, FAREWELL_MS) == 0)
		log_warning("the process that was the tape does not end");
}

static int
take(int via, struct pmt_pair **ret_pair, struct serve_place *ret_place,
    struct spec_error *e)
{
	char text[SERVE_PLACE_TEXT];
	size_t len = sizeof(text) - 1;
	struct pmt_pair *pair;
	int r = pmt_pair_take(via, &pair, text, &len);

	if (r == -EPIPE)
		return spec_fail(e, EPIPE,
		    "it does not hand over; its own messages tell why");
	if (r < 0)
		return spec_fail(e, -r, "the pair can't be taken: %s",
		    strerror(-r));
	text[len] = '\0';
	if (!serve_place_get(text, ret_place)) {
		pmt_pair_close(pair);
		return spec_fail(e, EPROTO,
		    "what hands over there is no pmtserve");
	}
	*ret_pair = pair;
	return 0;
}

static int
take_all(int via, struct serve *s, struct pmt_pair **ret_pair,
    struct spec_error *e)
{
	struct serve_place place;
	struct pmt_pair *pair = NULL;
	int r;

	/* If that fails, so does what follows, and tells why. */
	(void)!send(via, asked, sizeof(asked), MSG_NOSIGNAL);
	r = take(via, &pair, &place, e);
	if (r < 0)
		return r;
	r = serve_return(s, &place);
	if (r < 0) {
		pmt_pair_close(pair);
		return spec_fail(e, -r, "the tape: %s", serve_why(s));
	}
	*ret_pair = pair;
	/* If it is dead it needs no answer: the pair is ours all the same. */
	if (send(via, taken, sizeof(taken), MSG_NOSIGNAL) > 0)
		wait_for_farewell(via);
	return 0;
}

int
pmtserve_hand_take(const char *path, struct serve *s,
    struct pmt_pair **ret_pair, struct spec_error *e)
{
	struct spec_error why;
	int via = connect_to(path, &why);
	int r = via;

	if (via >= 0) {
		r = take_all(via, s, ret_pair, &why);
		(void)close(via); /* if that failed, the other one sees it */
	}
	return r < 0
	    ? spec_fail(e, -r, "--take-over %s: %.400s", path, why.text)
	    : 0;
}
