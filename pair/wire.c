/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol of the pair, as bytes; see wire.h.  A table says what each
 * operation may carry and how it may end; a function for those that have more
 * to say about where the tape stands afterwards.
 */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "wire.h"

#define MAX_PARTITIONS 4u

#define COND(c) (1u << (c))
#define ANY_UNIT UINT32_MAX

typedef const char *check_reply(const struct pmt_request *request,
    const struct pmt_reply *reply);

static check_reply check_hello, check_loaded, check_at_bot, check_describe,
    check_read, check_write, check_filemarks, check_space, check_locate,
    check_stays;

struct op {
	const char *name;
	uint32_t max_unit;
	uint64_t max_count;
	unsigned flags;	    /* that a request may have */
	unsigned conds;	    /* that it can end with, COND() */
	check_reply *check; /* of a reply without error; NULL: nothing more */
};

static const struct op ops[PMT_OPS] = {
	[PMT_HELLO] = { "HELLO", ANY_UNIT, UINT64_MAX, PMT_SHARED,
	    COND(PMT_NONE), check_hello },
	[PMT_LOAD] = { "LOAD", 0, 0, 0, COND(PMT_NONE), check_loaded },
	[PMT_UNLOAD] = { "UNLOAD", 0, 0, 0, COND(PMT_NONE), NULL },
	[PMT_DESCRIBE] = { "DESCRIBE", 0, 0, 0, COND(PMT_NONE),
	    check_describe },
	[PMT_READ] = { "READ", 0, PMT_PAIR_MAX_RECORD, PMT_SHARED,
	    COND(PMT_NONE) | COND(PMT_FILEMARK) | COND(PMT_EOD), check_read },
	[PMT_WRITE] = { "WRITE", 0, PMT_PAIR_MAX_RECORD, PMT_SHARED,
	    COND(PMT_NONE) | COND(PMT_EARLY_WARNING), check_write },
	[PMT_FILEMARKS] = { "FILEMARKS", 0, UINT32_MAX, PMT_IMMEDIATE,
	    COND(PMT_NONE) | COND(PMT_EARLY_WARNING), check_filemarks },
	[PMT_SPACE] = { "SPACE", PMT_TO_EOD, UINT64_MAX, 0,
	    COND(PMT_NONE) | COND(PMT_FILEMARK) | COND(PMT_EOD) | COND(PMT_BOT),
	    check_space },
	[PMT_LOCATE] = { "LOCATE", MAX_PARTITIONS - 1, UINT64_MAX, 0,
	    COND(PMT_NONE) | COND(PMT_EOD), check_locate },
	[PMT_REWIND] = { "REWIND", 0, 0, 0, COND(PMT_NONE), check_at_bot },
	[PMT_ERASE] = { "ERASE", 0, 0, PMT_WHOLE, COND(PMT_NONE), check_stays },
	[PMT_SET] = { "SET", ANY_UNIT, UINT32_MAX, 0, COND(PMT_NONE),
	    check_stays },
	[PMT_FORMAT] = { "FORMAT", MAX_PARTITIONS, UINT64_MAX, 0,
	    COND(PMT_NONE), check_loaded },
};

static bool
is_op(unsigned op)
{
	return op < PMT_OPS && ops[op].name != NULL;
}

const char *
pair_wire_op_name(enum pmt_op op)
{
	return is_op(op) ? ops[op].name : "?";
}

/* For the get and check functions: why it fails. */
static int
wrong(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EPROTO;
}

/* ---- Headers ------------------------------------------------------------- */

/* What requests and replies have in the same place. */
static void
put_common(uint8_t header[PMT_PAIR_HEADER], enum pmt_op op, unsigned second,
    uint64_t id, const struct pmt_position *at, size_t len)
{
	memset(header, 0, PMT_PAIR_HEADER);
	le32_put(header, (uint32_t)(PMT_PAIR_HEADER + len));
	le16_put(header + 4, (uint16_t)op);
	le16_put(header + 6, (uint16_t)second);
	le64_put(header + 8, id);
	le64_put(header + 16, at->object);
	le64_put(header + 24, at->file);
	le32_put(header + 32, at->partition);
}

static const char *
get_common(const uint8_t header[PMT_PAIR_HEADER], struct pmt_position *ret_at,
    size_t *ret_len)
{
	uint32_t length = le32_get(header);

	if (length < PMT_PAIR_HEADER || length > PMT_PAIR_MAX_MESSAGE)
		return "a message of no possible length";
	if (!is_op(le16_get(header + 4)))
		return "no such operation";
	*ret_at = (struct pmt_position){
		.object = le64_get(header + 16),
		.file = le64_get(header + 24),
		.partition = le32_get(header + 32),
	};
	*ret_len = length - PMT_PAIR_HEADER;
	if (ret_at->partition >= MAX_PARTITIONS)
		return "a position in no possible partition";
	return NULL;
}

/* Whether the record of ${request} is not in the message. */
static bool
is_shared(const struct pmt_request *request)
{
	return request->op == PMT_WRITE && (request->flags & PMT_SHARED) != 0;
}

void
pair_wire_put_request(uint8_t header[PMT_PAIR_HEADER],
    const struct pmt_request *request)
{
	put_common(header, request->op, request->flags, request->id,
	    &request->at, is_shared(request) ? 0 : request->len);
	le32_put(header + 36, request->unit);
	le64_put(header + 40, request->count);
	le64_put(header + 48, request->at.known);
}

void
pair_wire_put_reply(uint8_t header[PMT_PAIR_HEADER],
    const struct pmt_reply *reply)
{
	put_common(header, reply->op, reply->cond, reply->id, &reply->at,
	    reply->shared ? 0 : reply->len);
	le16_put(header + 36, reply->at.known);
	le16_put(header + 38, (uint16_t)reply->error);
	le64_put(header + 40, reply->done);
	le64_put(header + 48, reply->used);
	le32_put(header + 56, reply->room);
	le32_put(header + 60, reply->shared);
}

/* Whether the fields of a request fit its operation; else why not. */
static const char *
check_request(const struct pmt_request *request)
{
	const struct op *op = &ops[request->op];

	if ((request->flags & ~op->flags) != 0)
		return "flags that the operation does not have";
	if (request->unit > op->max_unit || request->count > op->max_count)
		return "an argument out of range";
	if (request->len != (request->op == PMT_WRITE ? request->count : 0))
		return "data that do not belong there";
	if (request->op == PMT_WRITE && request->len == 0)
		return "a record of no bytes";
	return NULL;
}

int
pair_wire_get_request(const uint8_t header[PMT_PAIR_HEADER],
    struct pmt_request *ret_request, const char **ret_why)
{
	struct pmt_request request = { 0 };
	const char *why = get_common(header, &request.at, &request.len);

	if (why != NULL)
		return wrong(ret_why, why);
	request.op = (enum pmt_op)le16_get(header + 4);
	request.flags = le16_get(header + 6);
	request.id = le64_get(header + 8);
	request.unit = le32_get(header + 36);
	request.count = le64_get(header + 40);
	request.at.known = le64_get(header + 48) == 1;
	if (le64_get(header + 48) > 1 || le64_get(header + 56) != 0)
		return wrong(ret_why, "bytes that are not zero");
	if (is_shared(&request) && request.len > 0)
		return wrong(ret_why, "data that are shared, and come as well");
	if (is_shared(&request))
		request.len = request.count;
	why = check_request(&request);
	if (why != NULL)
		return wrong(ret_why, why);
	*ret_request = request;
	return 0;
}

int
pair_wire_get_reply(const uint8_t header[PMT_PAIR_HEADER],
    struct pmt_reply *ret_reply, const char **ret_why)
{
	struct pmt_reply reply = { 0 };
	const char *why = get_common(header, &reply.at, &reply.len);

	if (why != NULL)
		return wrong(ret_why, why);
	reply.op = (enum pmt_op)le16_get(header + 4);
	reply.id = le64_get(header + 8);
	reply.at.known = le16_get(header + 36) == 1;
	reply.error = le16_get(header + 38);
	reply.done = le64_get(header + 40);
	reply.used = le64_get(header + 48);
	reply.room = le32_get(header + 56);
	reply.shared = le32_get(header + 60) == 1;
	if (le16_get(header + 36) > 1 || le32_get(header + 60) > 1)
		return wrong(ret_why, "bytes that are not zero");
	if (reply.shared && reply.len > 0)
		return wrong(ret_why, "data that are shared, and come as well");
	if (le16_get(header + 6) > PMT_EOM)
		return wrong(ret_why, "no such condition");
	reply.cond = (enum pmt_cond)le16_get(header + 6);
	if (reply.error > (int)PMT_PAIR_MAX_ERRNO)
		return wrong(ret_why, "no such error");
	if (reply.at.known && reply.at.file > reply.at.object)
		return wrong(ret_why, "more filemarks than objects");
	*ret_reply = reply;
	return 0;
}

/* ---- Replies that answer a request --------------------------------------- */

static const char *
check_hello(const struct pmt_request *request, const struct pmt_reply *reply)
{
	return reply->done >= request->unit && reply->done <= request->count
	    ? NULL
	    : "a version that was not offered";
}

static const char *
check_at_bot(const struct pmt_request *request, const struct pmt_reply *reply)
{
	(void)request;
	return reply->at.known && reply->at.object == 0
	    ? NULL
	    : "the tape does not stand at its beginning";
}

static const char *
check_loaded(const struct pmt_request *request, const struct pmt_reply *reply)
{
	return reply->at.partition == 0
	    ? check_at_bot(request, reply)
	    : "the tape does not stand in its first partition";
}

/* Whether ${objects} lie between the request's position and the reply's. */
static const char *
check_moved(const struct pmt_request *request, const struct pmt_reply *reply,
    uint64_t objects)
{
	if (!request->at.known)
		return NULL;
	return reply->at.partition == request->at.partition &&
		reply->at.object == request->at.object + objects
	    ? NULL
	    : "a position that does not follow from the one before";
}

/* A tape that knew where it stood knows it still. */
static const char *
check_describe(const struct pmt_request *request, const struct pmt_reply *reply)
{
	if (reply->len != PMT_PAIR_INFO)
		return "no description";
	if (request->at.known && !reply->at.known)
		return "a position that is lost without a move";
	return check_moved(request, reply, 0);
}

static const char *
check_read(const struct pmt_request *request, const struct pmt_reply *reply)
{
	uint64_t fits =
	    reply->done < request->count ? reply->done : request->count;

	if ((reply->cond == PMT_NONE) != (reply->done > 0) ||
	    reply->done > PMT_PAIR_MAX_RECORD)
		return "a record of no possible length";
	if (reply->len != fits)
		return "less or more than the bytes that were asked for";
	return check_moved(request, reply, reply->cond != PMT_EOD);
}

static const char *
check_write(const struct pmt_request *request, const struct pmt_reply *reply)
{
	return check_moved(request, reply, 1);
}

static const char *
check_filemarks(const struct pmt_request *request,
    const struct pmt_reply *reply)
{
	if (reply->done != request->count)
		return "not as many filemarks as were asked for";
	return check_moved(request, reply, request->count);
}

static uint64_t
units_asked(const struct pmt_request *request)
{
	return (int64_t)request->count < 0 ? -request->count : request->count;
}

/* What a SPACE may say that it has passed, also one that has failed. */
static const char *
check_passed(const struct pmt_request *request, const struct pmt_reply *reply)
{
	uint64_t most = units_asked(request);

	/*
	 * Filemarks are objects before the end, if it is known where that is;
	 * and with so many nobody's sums overflow.
	 */
	if (request->unit == PMT_TO_EOD)
		most = reply->at.known && reply->at.object < INT64_MAX / 2
		    ? reply->at.object
		    : INT64_MAX / 2;
	return reply->done <= most ? NULL : "more than there was to pass";
}

static const char *
check_space(const struct pmt_request *request, const struct pmt_reply *reply)
{
	uint64_t asked = units_asked(request);

	if (request->unit == PMT_TO_EOD)
		return reply->cond == PMT_NONE ? check_passed(request, reply)
					       : "a wrong condition";
	if (reply->cond == PMT_FILEMARK && request->unit != PMT_RECORDS)
		return "a wrong condition";
	return (reply->cond == PMT_NONE) == (reply->done == asked)
	    ? check_passed(request, reply)
	    : "a count that does not fit the condition";
}

static const char *
check_locate(const struct pmt_request *request, const struct pmt_reply *reply)
{
	return reply->at.known && reply->at.partition == request->unit &&
		(reply->cond == PMT_NONE) ==
		    (reply->at.object == request->count)
	    ? NULL
	    : "the tape does not stand where it was sent";
}

static const char *
check_stays(const struct pmt_request *request, const struct pmt_reply *reply)
{
	return check_moved(request, reply, 0);
}

/* Which failures may be a full medium: those that write. */
static const char *
check_failure(const struct pmt_request *request, const struct pmt_reply *reply)
{
	bool writes = request->op == PMT_WRITE || request->op == PMT_FILEMARKS;

	if (reply->len > PMT_PAIR_MAX_WORDS)
		return "too many words";
	if (reply->shared)
		return "words that are shared";
	if (reply->cond != PMT_NONE && reply->cond != PMT_EOM)
		return "a wrong condition";
	if (reply->cond == PMT_EOM && (!writes || reply->error != ENOSPC))
		return "an end of the medium that is none";
	if (request->op == PMT_FILEMARKS && reply->done > request->count)
		return "more filemarks than were asked for";
	if (request->op == PMT_SPACE && check_passed(request, reply) != NULL)
		return check_passed(request, reply);
	if (reply->cond == PMT_EOM)
		return check_moved(request, reply,
		    request->op == PMT_WRITE ? 0 : reply->done);
	return NULL;
}

static const char *
check_success(const struct pmt_request *request, const struct pmt_reply *reply)
{
	const struct op *op = &ops[request->op];
	bool has_data = request->op == PMT_READ || request->op == PMT_DESCRIBE;

	if ((COND(reply->cond) & op->conds) == 0)
		return "a wrong condition";
	if (reply->shared &&
	    (is_shared(request) || (request->flags & PMT_SHARED) == 0))
		return "data that are shared, without memory";
	if (reply->len > 0 && !has_data)
		return "data that do not belong there";
	return op->check != NULL ? op->check(request, reply) : NULL;
}

int
pair_wire_check_reply(const struct pmt_request *request,
    const struct pmt_reply *reply, const char **ret_why)
{
	const char *why;

	if (reply->id != request->id)
		return wrong(ret_why, "an answer to another request");
	if (reply->op != request->op)
		return wrong(ret_why, "an answer to another operation");
	why = reply->error != 0 ? check_failure(request, reply)
				: check_success(request, reply);
	return why == NULL ? 0 : wrong(ret_why, why);
}

/* ---- What the medium is ---------------------------------------------------
 */

#define INFO_WRITE_PROTECTED 1u
#define INFO_CAN_COMPRESS 2u
#define INFO_FLAGS (INFO_WRITE_PROTECTED | INFO_CAN_COMPRESS)

void
pair_wire_put_info(uint8_t buf[PMT_PAIR_INFO], const struct pmt_info *info)
{
	memset(buf, 0, PMT_PAIR_INFO);
	le32_put(buf, info->min_record);
	le32_put(buf + 4, info->max_record);
	le32_put(buf + 8, info->max_read);
	le32_put(buf + 12, info->granularity);
	le32_put(buf + 16, info->partitions);
	le32_put(buf + 20, info->max_partitions);
	le64_put(buf + 24, info->capacity);
	le32_put(buf + 32,
	    (info->write_protected ? INFO_WRITE_PROTECTED : 0) |
		(info->can_compress ? INFO_CAN_COMPRESS : 0));
	buf[36] = info->density;
	memcpy(buf + 64, info->medium, sizeof(info->medium) - 1);
}

static const char *
check_info(const struct pmt_info *info)
{
	if (info->min_record < 1 || info->min_record > info->max_record ||
	    info->max_record > PMT_PAIR_MAX_RECORD ||
	    info->max_read > PMT_PAIR_MAX_RECORD || info->granularity < 1 ||
	    info->granularity > PMT_PAIR_MAX_RECORD)
		return "limits of records that can't be";
	if (info->partitions < 1 || info->partitions > MAX_PARTITIONS ||
	    info->max_partitions > MAX_PARTITIONS)
		return "partitions that can't be";
	return NULL;
}

int
pair_wire_get_info(const uint8_t buf[PMT_PAIR_INFO], struct pmt_info *ret_info,
    const char **ret_why)
{
	struct pmt_info info = {
		.min_record = le32_get(buf),
		.max_record = le32_get(buf + 4),
		.max_read = le32_get(buf + 8),
		.granularity = le32_get(buf + 12),
		.partitions = le32_get(buf + 16),
		.max_partitions = le32_get(buf + 20),
		.capacity = le64_get(buf + 24),
		.write_protected =
		    (le32_get(buf + 32) & INFO_WRITE_PROTECTED) != 0,
		.can_compress = (le32_get(buf + 32) & INFO_CAN_COMPRESS) != 0,
		.density = buf[36],
	};
	const char *why = check_info(&info);

	if (why == NULL && (le32_get(buf + 32) & ~INFO_FLAGS) != 0)
		why = "bytes that are not zero";
	if (why == NULL && buf[64 + sizeof(info.medium) - 1] != 0)
		why = "a name of the medium that has no end";
	if (why != NULL)
		return wrong(ret_why, why);
	memcpy(info.medium, buf + 64, sizeof(info.medium));
	*ret_info = info;
	return 0;
}
