/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the server: reading it, and deciding by it.  Owns what a name
 * means; the tapes themselves it never opens.
 *
 * What a client sends is never compared as text: a spec is parsed, each path in
 * it replaced by the real one, and what is granted is written anew from the
 * parts that were looked at.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

#define TABLE_MAX ((size_t)1 << 20) /* bytes of a table */
#define LINE_MAX_BYTES 2048

struct rule {
	char *user, *host, *names;
	enum rmt_rights rights;
};

struct alias {
	char *name, *means;
	bool rewinds;
};

struct rmt_table {
	struct rule *rules;
	size_t n_rules;
	struct alias *aliases;
	size_t n_aliases;
};

/* ---- Reading ------------------------------------------------------------- */

void
rmt_table_free(struct rmt_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n_rules; i++) {
		free(table->rules[i].user);
		free(table->rules[i].host);
		free(table->rules[i].names);
	}
	for (size_t i = 0; i < table->n_aliases; i++) {
		free(table->aliases[i].name);
		free(table->aliases[i].means);
	}
	free(table->rules);
	free(table->aliases);
	free(table);
}

/* The next word of a line, which is cut there; "" at its end. */
static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	char *end = word + strcspn(word, " \t");

	*line = end + strspn(end, " \t");
	*end = '\0';
	return word;
}

static bool
is_alias_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && name[0] != '.' && name[0] != '-' &&
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.") == n;
}

static int
add_alias(struct rmt_table *table, char *line, const char **ret_fault)
{
	struct alias *grown =
	    reallocarray(table->aliases, table->n_aliases + 1, sizeof(*grown));
	struct alias *a;
	const char *name = next_word(&line);

	if (grown == NULL)
		return -ENOMEM;
	table->aliases = grown;
	a = &grown[table->n_aliases];
	*a = (struct alias){ .name = NULL };
	*ret_fault = "alias NAME [rewind] SPEC, where NAME has letters, "
		     "digits, _ - and .";
	if (!is_alias_name(name))
		return -EINVAL;
	if (strncmp(line, "rewind", 6) == 0 &&
	    isblank((unsigned char)line[6])) {
		a->rewinds = true;
		(void)next_word(&line);
	}
	if (line[0] != '/' && strchr(line, ':') == NULL)
		return -EINVAL;
	a->name = strdup(name);
	a->means = strdup(line);
	table->n_aliases++; /* to be freed with it, whatever is there */
	return a->name == NULL || a->means == NULL ? -ENOMEM : 0;
}

static int
add_rule(struct rmt_table *table, char *line, const char **ret_fault)
{
	static const char *const rights[] = { [RMT_READ_ONLY] = "ro",
		[RMT_READ_WRITE] = "rw",
		[RMT_CREATE] = "create" };
	struct rule *grown =
	    reallocarray(table->rules, table->n_rules + 1, sizeof(*grown));
	const char *user = next_word(&line), *host = next_word(&line);
	const char *right = next_word(&line);
	size_t i = 0;

	if (grown == NULL)
		return -ENOMEM;
	table->rules = grown;
	*ret_fault =
	    "allow USER HOST RIGHTS NAMES, where RIGHTS is ro, rw or create";
	while (i <= RMT_CREATE && strcmp(right, rights[i]) != 0)
		i++;
	if (line[0] == '\0' || i > RMT_CREATE)
		return -EINVAL;
	grown[table->n_rules] = (struct rule){ .user = strdup(user),
		.host = strdup(host),
		.names = strdup(line),
		.rights = (enum rmt_rights)i };
	table->n_rules++;
	return grown[table->n_rules - 1].user == NULL ||
		grown[table->n_rules - 1].host == NULL ||
		grown[table->n_rules - 1].names == NULL
	    ? -ENOMEM
	    : 0;
}

/* One line, without its newline; it is cut to pieces. */
static int
take_line(struct rmt_table *table, char *line, const char **ret_fault)
{
	size_t n = strlen(line);
	const char *word;

	while (n > 0 && isspace((unsigned char)line[n - 1]))
		line[--n] = '\0';
	word = next_word(&line);
	if (word[0] == '\0' || word[0] == '#')
		return 0;
	if (strcmp(word, "allow") == 0)
		return add_rule(table, line, ret_fault);
	if (strcmp(word, "alias") == 0)
		return add_alias(table, line, ret_fault);
	*ret_fault = "a line begins with allow, alias or #";
	return -EINVAL;
}

int
rmt_table_parse(const char *text, size_t len, const char *name,
    struct rmt_table **ret_table, struct spec_error *e)
{
	struct rmt_table *table = calloc(1, sizeof(*table));
	const char *fault = "the line is too long, or holds a 0 byte";
	char line[LINE_MAX_BYTES];
	unsigned number = 0;
	int r = table == NULL ? -ENOMEM : 0;

	while (r == 0 && len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - text);

		number++;
		if (n >= sizeof(line) || memchr(text, '\0', n) != NULL) {
			r = -EINVAL;
			break;
		}
		memcpy(line, text, n);
		line[n] = '\0';
		r = take_line(table, line, &fault);
		n += end != NULL;
		text += n;
		len -= n;
	}
	if (r == 0) {
		*ret_table = table;
		return 0;
	}
	rmt_table_free(table);
	if (r == -ENOMEM)
		return spec_fail(e, ENOMEM, "%.200s: out of memory", name);
	return spec_fail(e, EINVAL, "%.200s: line %u: %s", name, number, fault);
}

/* Whoever can write to the table rules. */
static int
check_owner(int fd, const char *path, struct stat *st, struct spec_error *e)
{
	if (fstat(fd, st) < 0)
		return spec_fail(e, errno, "%.200s: %s", path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		return spec_fail(e, EPERM, "%.200s: is not a file", path);
	if (st->st_uid != 0)
		return spec_fail(e, EPERM,
		    "%.200s: must belong to root; it is not used", path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return spec_fail(e, EPERM,
		    "%.200s: others than root can write to it; it is not used",
		    path);
	if ((uint64_t)st->st_size > TABLE_MAX)
		return spec_fail(e, EPERM, "%.200s: is too large", path);
	return 0;
}

/* All of a file that has ${size} bytes; what it grows by is not read. */
static int
read_all(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t have = 0;
	ssize_t n = 1;

	while (have < size && n != 0) {
		n = read(fd, buf + have, size - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	*ret_len = have;
	return 0;
}

int
rmt_table_read(const char *path, struct rmt_table **ret_table,
    struct spec_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int r;

	if (fd < 0)
		return spec_fail(e, errno, "%.200s: %s", path, strerror(errno));
	r = check_owner(fd, path, &st, e);
	if (r == 0) {
		text = malloc((size_t)st.st_size + 1);
		r = text == NULL ? -ENOMEM
				 : read_all(fd, text, (size_t)st.st_size, &len);
		if (r < 0)
			(void)spec_fail(e, -r, "%.200s: %s", path,
			    strerror(-r));
	}
	if (r == 0)
		r = rmt_table_parse(text, len, path, ret_table, e);
	free(text);
	(void)close(fd); /* nothing was written */
	return r;
}

/* ---- Patterns ------------------------------------------------------------ */

/*
 * ${pattern} with the directory that it names before its first wildcard made
 * real: it is root's, and links in it are meant.  NULL: no memory.
 */
static char *
real_pattern(const char *pattern)
{
	size_t plain = strcspn(pattern, "*?[\\");
	char *made = NULL, *dir, *real;

	while (plain > 0 && pattern[plain - 1] != '/')
		plain--;
	if (plain <= 1)
		return strdup(pattern);
	dir = strndup(pattern, plain - 1);
	real = dir == NULL ? NULL : realpath(dir, NULL);
	free(dir);
	if (real == NULL)
		return strdup(pattern); /* then it fits what it says */
	/* A wildcard in a real name is no wildcard: it fits nothing then. */
	if (strcspn(real, "*?[\\") != strlen(real))
		made = strdup("");
	else if (asprintf(&made, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
		     pattern + plain) < 0)
		made = NULL;
	free(real);
	return made;
}

static bool
fits(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_PATHNAME | FNM_PERIOD) == 0;
}

/* Whether the pattern fits a real path; also if it is a link to a device. */
static bool
fits_path(const char *pattern, const char *path, bool is_node)
{
	char *real = real_pattern(pattern);
	bool yes = real != NULL && fits(real, path);

	free(real);
	if (yes || !is_node)
		return yes;
	real = realpath(pattern, NULL); /* /dev/tape/by-id has links */
	yes = real != NULL && strcmp(real, path) == 0;
	free(real);
	return yes;
}

/* One piece of what is asked for. */
struct piece {
	const char *type; /* of a leaf; NULL: an alias or a node */
	const char *text; /* its ARG; else the name or the path */
};

static bool
fits_piece(const char *pattern, const struct piece *piece)
{
	size_t n;

	if (piece->type == NULL && piece->text[0] != '/')
		return fits(pattern, piece->text);
	if (piece->type == NULL)
		return pattern[0] == '/' &&
		    fits_path(pattern, piece->text, true);
	n = strlen(piece->type);
	if (strncmp(pattern, piece->type, n) != 0 || pattern[n] != ':')
		return false;
	pattern += n + 1;
	if (piece->text[0] != '/')
		return fits(pattern, piece->text);
	return fits_path(pattern, piece->text, strcmp(piece->type, "st") == 0);
}

/* What the table says, by the first line that fits. */
static bool
table_grants(const struct rmt_policy *p, const struct piece *piece,
    enum rmt_rights *ret_rights)
{
	for (size_t i = 0; i < p->table->n_rules; i++) {
		const struct rule *rule = &p->table->rules[i];

		if (strcmp(rule->user, "*") != 0 &&
		    strcmp(rule->user, p->user) != 0)
			continue;
		if (fnmatch(rule->host, p->host, 0) != 0)
			continue;
		if (!fits_piece(rule->names, piece))
			continue;
		*ret_rights = rule->rights;
		return true;
	}
	return false;
}

static bool
command_line_grants(const struct rmt_policy *p, const struct piece *piece)
{
	for (size_t i = 0; i < p->n_allowed; i++)
		if (fits_piece(p->allowed[i], piece))
			return true;
	return false;
}

/* What all the sources of rules that are there grant. */
static bool
is_granted(const struct rmt_policy *p, const struct piece *piece,
    enum rmt_rights *ret_rights)
{
	enum rmt_rights rights = RMT_CREATE;

	if (p->table == NULL && p->n_allowed == 0) {
		*ret_rights = RMT_READ_WRITE;
		return piece->type == NULL && piece->text[0] == '/';
	}
	if (p->table != NULL && !table_grants(p, piece, &rights))
		return false;
	if (p->n_allowed > 0) {
		if (!command_line_grants(p, piece))
			return false;
		if (p->allowed_rights < rights)
			rights = p->allowed_rights;
	}
	*ret_rights = rights;
	return true;
}

/* ---- Paths --------------------------------------------------------------- */

static bool
has_dotdot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == path || p[-1] == '/') &&
		    (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* A path whose last part is not there, below a real directory; NULL: no. */
static char *
real_new_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash + 1;
	char *dir, *real, *made = NULL;
	struct stat st;

	if (name[0] == '\0' || strcmp(name, ".") == 0)
		return NULL;
	dir =
	    slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	real = dir == NULL ? NULL : realpath(dir, NULL);
	if (real != NULL &&
	    asprintf(&made, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) <
		0)
		made = NULL;
	free(real);
	free(dir);
	/* A link to nothing is a link nevertheless. */
	if (made != NULL && (lstat(made, &st) == 0 || errno != ENOENT)) {
		free(made);
		made = NULL;
	}
	return made;
}

/* The path without links, of what is there or could be made there. */
static char *
real_path(const char *path)
{
	char *real;

	if (path[0] != '/' || has_dotdot(path) || strlen(path) >= PATH_MAX)
		return NULL;
	real = realpath(path, NULL);
	if (real == NULL && errno == ENOENT)
		real = real_new_path(path);
	return real;
}

/* ---- Specs --------------------------------------------------------------- */

/*
 * Options that can't name a file, run a command, or have a file read as what it
 * is not.  Of making images there is more to say.
 */
static const char *const harmless[] = { "readonly", "capacity", "warn",
	"objects", "warn_objects", "min", "max", "granularity", "on_leg_error",
	"leg_timeout", "leot_margin", "eom_reserve", "verify", "read_longer",
	"degraded_open" };
static const char *const for_new_images[] = { "create", "format", "compress",
	"level" };

static bool
is_one_of(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static bool
option_allowed(const char *key, enum rmt_rights rights)
{
	return is_one_of(key, harmless, sizeof(harmless) / sizeof(*harmless)) ||
	    (rights == RMT_CREATE &&
		is_one_of(key, for_new_images,
		    sizeof(for_new_images) / sizeof(*for_new_images)));
}

/* What goes over a spec that is looked at, and writes it anew. */
struct review {
	const struct rmt_policy *policy;
	FILE *out;
	const char *name; /* for the words */
	struct spec_error *e;
	bool trusted;
	bool create; /* the client would have missing images made */
	bool read_only;
	enum rmt_rights rights; /* if trusted, of all of it */
};

static void
put_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr(",{}\\", *text) != NULL)
			(void)fputc('\\', out); /* memory: fclose() tells */
		(void)fputc(*text, out);
	}
}

static int
not_granted(const struct review *v, const char *what)
{
	return spec_fail(v->e, EACCES, "%.200s: not granted: %.200s", v->name,
	    what);
}

static bool
names_path(const struct spec *spec)
{
	return strcmp(spec->type->name, "file") == 0 ||
	    strcmp(spec->type->name, "st") == 0;
}

/* Grants a leaf, and writes its ARG; sets ${ret_rights}. */
static int
review_leaf(struct review *v, const struct spec *spec,
    enum rmt_rights *ret_rights)
{
	struct piece piece = { spec->type->name, spec->arg };
	char *real = NULL;
	int r = 0;

	if (names_path(spec)) {
		real = real_path(spec->arg);
		if (real == NULL)
			return not_granted(v, "no such path");
		piece.text = real;
	} else if (strcmp(spec->type->name, "null") != 0) {
		return not_granted(v, "only an alias can name such a tape");
	}
	if (is_granted(v->policy, &piece, ret_rights))
		put_text(v->out, piece.text);
	else
		r = not_granted(v, piece.text);
	free(real);
	return r;
}

/* What the client's options are, and what the grant adds. */
static int
review_options(struct review *v, const struct spec *spec,
    enum rmt_rights rights)
{
	bool file = strcmp(spec->type->name, "file") == 0;
	bool create_said = false, readonly_said = false;

	for (size_t i = 0; i < spec->n_options; i++) {
		const struct spec_option *o = &spec->options[i];
		bool is_create = strcmp(o->key, "create") == 0;
		bool is_readonly = strcmp(o->key, "readonly") == 0;

		if (!v->trusted && !option_allowed(o->key, rights))
			return not_granted(v, o->key);
		if (file && is_readonly && rights == RMT_READ_ONLY)
			continue; /* below */
		/* Nobody's create=yes is more than the grant and the open. */
		if (file && is_create && !(v->create && rights == RMT_CREATE))
			continue;
		create_said = create_said || is_create;
		readonly_said = readonly_said || is_readonly;
		(void)fprintf(v->out, ",%s=", o->key); /* as above */
		put_text(v->out, o->value);
	}
	if (file && rights == RMT_READ_ONLY && !readonly_said)
		(void)fputs(",readonly=yes", v->out); /* as above */
	if (file && !create_said && !(v->create && rights == RMT_CREATE))
		(void)fputs(",create=no", v->out); /* as above */
	return 0;
}

/* The parser bounds the depth of a spec. */
static int
review_spec(struct review *v, const struct spec *spec)
{
	enum rmt_rights rights = v->trusted ? v->rights : RMT_CREATE;
	int r = 0;

	(void)fprintf(v->out, "%s:", spec->type->name); /* fclose() tells */
	if (spec->n_children > 0) {
		for (size_t i = 0; r == 0 && i < spec->n_children; i++) {
			(void)fputc(i == 0 ? '{' : ',', v->out); /* as above */
			r = review_spec(v, spec->children[i]);
		}
		(void)fputc('}', v->out); /* as above */
		if (!v->trusted)
			rights = RMT_READ_WRITE; /* for its options */
	} else if (v->trusted) {
		put_text(v->out, spec->arg);
	} else {
		r = review_leaf(v, spec, &rights);
	}
	if (rights == RMT_READ_ONLY)
		v->read_only = true;
	return r < 0 ? r : review_options(v, spec, rights);
}

static int
grant_spec(struct review *v, const char *text, struct rmt_grant *g)
{
	struct spec *spec = NULL;
	size_t size;
	int r = spec_parse(text, v->policy->types, &spec, v->e);

	if (r < 0)
		return r;
	v->out = open_memstream(&g->text, &size);
	r = v->out == NULL ? -ENOMEM : review_spec(v, spec);
	if (v->out != NULL && fclose(v->out) != 0 && r == 0)
		r = -ENOMEM;
	spec_free(spec);
	if (r == -ENOMEM)
		return spec_fail(v->e, ENOMEM, "out of memory");
	g->read_only = v->read_only;
	g->trusted = v->trusted;
	return r;
}

/* ---- Deciding ------------------------------------------------------------ */

static int
grant_node(struct review *v, const char *path, struct rmt_grant *g)
{
	struct piece piece = { NULL, NULL };
	enum rmt_rights rights = v->rights;

	g->is_node = true;
	g->text = real_path(path);
	if (g->text == NULL)
		return not_granted(v, "no such path");
	piece.text = g->text;
	if (!v->trusted && !is_granted(v->policy, &piece, &rights))
		return not_granted(v, g->text);
	g->trusted = v->trusted;
	g->read_only = rights == RMT_READ_ONLY;
	return 0;
}

static const struct alias *
find_alias(const struct rmt_table *table, const char *name)
{
	for (size_t i = 0; table != NULL && i < table->n_aliases; i++)
		if (strcmp(table->aliases[i].name, name) == 0)
			return &table->aliases[i];
	return NULL;
}

/* A name that is neither an alias, a path nor a spec is granted to nobody. */
static int
decide(struct review *v, const char *name, struct rmt_grant *g)
{
	static const char rewind_word[] = "rewind:";
	const struct alias *alias = find_alias(v->policy->table, name);
	struct piece piece = { NULL, name };

	if (alias != NULL) {
		if (!is_granted(v->policy, &piece, &v->rights))
			return not_granted(v, "this alias");
		v->trusted = true;
		g->rewinds = alias->rewinds;
		name = alias->means;
	} else if (strncmp(name, rewind_word, strlen(rewind_word)) == 0) {
		g->rewinds = true;
		name += strlen(rewind_word);
	}
	if (name[0] == '/' && (alias != NULL || !g->rewinds))
		return grant_node(v, name, g);
	if (strchr(name, ':') == NULL)
		return not_granted(v, "no such name");
	return grant_spec(v, name, g);
}

int
rmt_table_decide(const struct rmt_policy *policy, const char *name, bool create,
    struct rmt_grant *ret_grant, struct spec_error *e)
{
	struct review v = { .policy = policy,
		.name = name,
		.e = e,
		.create = create };
	struct rmt_grant g = { .name = strdup(name) };
	int r = g.name == NULL ? spec_fail(e, ENOMEM, "out of memory")
			       : decide(&v, name, &g);

	if (r < 0) {
		rmt_table_free_grant(&g);
		return r;
	}
	*ret_grant = g;
	return 0;
}

bool
rmt_table_still_real(const struct rmt_grant *grant, const struct spec *spec)
{
	char *real;
	bool same = true;

	if (grant->trusted)
		return true;
	for (size_t i = 0; same && i < spec->n_children; i++)
		same = rmt_table_still_real(grant, spec->children[i]);
	if (!same || !names_path(spec))
		return same;
	real = realpath(spec->arg, NULL);
	same = real != NULL && strcmp(real, spec->arg) == 0;
	free(real);
	return same;
}

void
rmt_table_free_grant(struct rmt_grant *grant)
{
	free(grant->name);
	free(grant->text);
	*grant = (struct rmt_grant){ .name = NULL };
}
