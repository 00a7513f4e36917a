/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the filemarks are; see client_map.h.  A sorted array: filemarks are few
 * beside records, and are appended.
 */
#include <errno.h>
#include <stdlib.h>

#include "client_map.h"

void
rmt_map_clear(struct rmt_map *m)
{
	m->n = 0;
	m->edge = 0;
	m->ends = false;
}

void
rmt_map_free(struct rmt_map *m)
{
	free(m->marks);
	*m = (struct rmt_map){ .marks = NULL };
}

int
rmt_map_add(struct rmt_map *m, bool is_filemark)
{
	size_t size = m->size == 0 ? 64 : m->size * 2;
	uint64_t *marks;

	if (is_filemark && m->n == m->size) {
		marks = reallocarray(m->marks, size, sizeof(*marks));
		if (marks == NULL)
			return -ENOMEM;
		m->marks = marks;
		m->size = size;
	}
	if (is_filemark)
		m->marks[m->n++] = m->edge;
	m->edge++;
	m->ends = false;
	return 0;
}

uint64_t
rmt_map_files(const struct rmt_map *m, uint64_t object)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->marks[middle] < object)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
rmt_map_cut(struct rmt_map *m, uint64_t object)
{
	if (object >= m->edge)
		return;
	m->n = (size_t)rmt_map_files(m, object);
	m->edge = object;
	m->ends = false;
}

uint64_t
rmt_map_start(const struct rmt_map *m, uint64_t object)
{
	uint64_t files = rmt_map_files(m, object);

	return files == 0 ? 0 : m->marks[files - 1] + 1;
}

uint64_t
rmt_map_mark(const struct rmt_map *m, uint64_t object)
{
	uint64_t files = rmt_map_files(m, object);

	return files < m->n ? m->marks[files] : m->edge;
}
