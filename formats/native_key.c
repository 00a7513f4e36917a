/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encryption of records.  The payload of an encrypted record is
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       16    salt: random, new for each epoch of each session
 *     16      N     ciphertext of: data, compressed or not; their CRC32C
 *     16+N    16    tag
 *
 *     key     HKDF-SHA256, 32 bytes, of the user's key with the salt, info:
 *             "pmt record", UUID, partition (4 bytes), epoch (4)
 *     nonce   epoch (4), wseq (8)
 *     AAD     UUID, bytes 8 to 55 of the header
 *
 * No key and nonce are used twice: wseq grows within an epoch, also when a
 * write fails and is tried again, and an image that was restored from a copy
 * gets another salt.  That a record is moved, or comes from another volume,
 * shows; that the last records are missing does not.
 *
 * The id of a key is the first 8 bytes of SHA-256 of "pmt key id" and the key.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "native_key.h"
#include "tape.h"

#define KEY 32	 /* bytes */
#define NONCE 12 /* bytes */
#define AAD (NATIVE_UUID + 48)

/* What a key was derived for. */
struct derived {
	uint8_t salt[NATIVE_KEY_BEFORE];
	uint32_t epoch, partition;
	bool valid;
	uint8_t key[KEY];
};

struct native_key {
	uint8_t key[KEY];
	uint8_t id[NATIVE_KEY_ID];
	struct derived sealing, opening;
	EVP_CIPHER_CTX *context;
};

/* ---- The key file ------------------------------------------------------- */

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* What a file of ${len} bytes has for a key. */
static bool
key_from(const uint8_t *text, size_t len, uint8_t *key)
{
	if (len == KEY) {
		memcpy(key, text, KEY);
		return true;
	}
	if (len == 2 * KEY + 1 && text[2 * KEY] == '\n')
		len--;
	if (len != 2 * KEY)
		return false;
	for (size_t i = 0; i < KEY; i++) {
		int high = digit_of(text[2 * i]),
		    low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int
read_file(struct tape *owner, const char *path, uint8_t *key)
{
	uint8_t text[2 * KEY + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return tape_fail(owner, errno,
		    "key %.120s: can't be opened: %s", path, strerror(errno));
	n = fstat(fd, &st) < 0 ? -1 : read(fd, text, sizeof(text));
	if (n < 0)
		r = tape_fail(owner, EIO, "key %.120s: can't be read: %s", path,
		    strerror(errno));
	else if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		r = tape_fail(owner, EACCES,
		    "key %.120s: others than its owner have rights to it; "
		    "chmod 600 it",
		    path);
	else if (!key_from(text, (size_t)n, key))
		r = tape_fail(owner, EINVAL,
		    "key %.120s: is no key: it has to have 32 bytes, or 64 "
		    "hexadecimal digits",
		    path);
	OPENSSL_cleanse(text, sizeof(text));
	(void)close(fd); /* only read */
	return r;
}

static bool
make_id(struct native_key *key)
{
	static const char label[] = "pmt key id";
	uint8_t bytes[sizeof(label) - 1 + KEY], digest[32];
	bool ok;

	memcpy(bytes, label, sizeof(label) - 1);
	memcpy(bytes + sizeof(label) - 1, key->key, KEY);
	ok = EVP_Digest(bytes, sizeof(bytes), digest, NULL, EVP_sha256(),
		 NULL) == 1;
	memcpy(key->id, digest, NATIVE_KEY_ID);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok;
}

int
native_key_read(struct tape *owner, const char *path,
    struct native_key **ret_key)
{
	struct native_key *key = OPENSSL_zalloc(sizeof(*key));
	int r;

	if (key == NULL)
		return tape_fail(owner, ENOMEM, "out of memory");
	key->context = EVP_CIPHER_CTX_new();
	r = read_file(owner, path, key->key);
	if (r == 0 && (key->context == NULL || !make_id(key)))
		r = tape_fail(owner, ENOMEM, "out of memory");
	if (r < 0) {
		native_key_free(key);
		return r;
	}
	*ret_key = key;
	return 0;
}

void
native_key_free(struct native_key *key)
{
	if (key == NULL)
		return;
	EVP_CIPHER_CTX_free(key->context);
	OPENSSL_clear_free(key, sizeof(*key));
}

const uint8_t *
native_key_id(const struct native_key *key)
{
	return key->id;
}

/* ---- Keys of epochs ----------------------------------------------------- */

static bool
hkdf(const uint8_t *key, const uint8_t *salt, uint8_t *info, size_t len,
    uint8_t *out)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	uint8_t ikm[KEY], with[NATIVE_KEY_BEFORE];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, KEY),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, with,
		    sizeof(with)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
		    len),
		OSSL_PARAM_construct_end(),
	};
	bool ok;

	memcpy(ikm, key, KEY);
	memcpy(with, salt, sizeof(with));
	ok = context != NULL && EVP_KDF_derive(context, out, KEY, params) == 1;
	OPENSSL_cleanse(ikm, sizeof(ikm));
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return ok;
}

/* Makes ${d} the key of that salt, epoch and partition. */
static int
derive(struct native_key *key, struct derived *d, const uint8_t *salt,
    const struct native_super *super, uint32_t epoch)
{
	static const char label[] = "pmt record";
	uint8_t info[sizeof(label) - 1 + NATIVE_UUID + 8];
	uint8_t *p = info + sizeof(label) - 1;

	memcpy(info, label, sizeof(label) - 1);
	memcpy(p, super->uuid, NATIVE_UUID);
	le32_put(p + NATIVE_UUID, super->partition);
	le32_put(p + NATIVE_UUID + 4, epoch);
	d->valid = hkdf(key->key, salt, info, sizeof(info), d->key);
	memcpy(d->salt, salt, sizeof(d->salt));
	d->epoch = epoch;
	d->partition = super->partition;
	return d->valid ? 0 : -EIO;
}

static bool
is_for(const struct derived *d, const struct native_super *super,
    uint32_t epoch)
{
	return d->valid && d->epoch == epoch &&
	    d->partition == super->partition;
}

static void
nonce_of(const struct native_head *head, uint8_t *nonce)
{
	le32_put(nonce, head->epoch);
	le64_put(nonce + 4, head->wseq);
}

static void
aad_of(const struct native_super *super, const struct native_head *head,
    uint8_t *aad)
{
	struct native_head copy = *head;
	uint8_t bytes[NATIVE_HEAD];

	native_head_put(&copy, 0, 0, bytes);
	memcpy(aad, super->uuid, NATIVE_UUID);
	memcpy(aad + NATIVE_UUID, bytes + 8, AAD - NATIVE_UUID);
}

/* ---- Records ------------------------------------------------------------ */

int
native_key_seal(struct native_key *key, const struct native_super *super,
    const struct native_head *head, const struct iovec *pieces, size_t n,
    int (*random)(void *buf, size_t len), uint8_t *out)
{
	uint8_t nonce[NONCE], aad[AAD], salt[NATIVE_KEY_BEFORE];
	EVP_CIPHER_CTX *c = key->context;
	int len, r = 0;
	bool ok;

	if (!is_for(&key->sealing, super, head->epoch)) {
		r = random(salt, sizeof(salt));
		if (r == 0)
			r = derive(key, &key->sealing, salt, super,
			    head->epoch);
	}
	if (r < 0)
		return r;
	memcpy(out, key->sealing.salt, NATIVE_KEY_BEFORE);
	out += NATIVE_KEY_BEFORE;
	nonce_of(head, nonce);
	aad_of(super, head, aad);
	ok = EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->sealing.key,
		 nonce) == 1 &&
	    EVP_EncryptUpdate(c, NULL, &len, aad, sizeof(aad)) == 1;
	for (size_t i = 0; ok && i < n; i++) {
		ok = EVP_EncryptUpdate(c, out, &len, pieces[i].iov_base,
			 (int)pieces[i].iov_len) == 1;
		out += pieces[i].iov_len;
	}
	ok = ok && EVP_EncryptFinal_ex(c, out, &len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, NATIVE_KEY_AFTER,
		out) == 1;
	return ok ? 0 : -EIO;
}

int
native_key_open(struct native_key *key, const struct native_super *super,
    const struct native_head *head, uint8_t *stored)
{
	uint8_t nonce[NONCE], aad[AAD];
	uint8_t *data = stored + NATIVE_KEY_BEFORE;
	size_t n = head->stored - NATIVE_KEY_BEFORE - NATIVE_KEY_AFTER;
	EVP_CIPHER_CTX *c = key->context;
	int len, r = 0;

	if (!is_for(&key->opening, super, head->epoch) ||
	    memcmp(key->opening.salt, stored, NATIVE_KEY_BEFORE) != 0)
		r = derive(key, &key->opening, stored, super, head->epoch);
	if (r < 0)
		return r;
	nonce_of(head, nonce);
	aad_of(super, head, aad);
	if (EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->opening.key,
		nonce) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &len, aad, sizeof(aad)) != 1 ||
	    EVP_DecryptUpdate(c, data, &len, data, (int)n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, NATIVE_KEY_AFTER,
		data + n) != 1)
		return -EIO;
	return EVP_DecryptFinal_ex(c, data + n, &len) == 1 ? 0 : -EBADMSG;
}
