/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"

struct ag_capture {
	FILE *file;
	enum ag_btsnoop_link link;
	uint64_t size;
	uint64_t offset; /* of the next record */
	uint64_t number; /* of the last record */
	/* A monitor record has no type octet; it is put before what was read. */
	uint8_t buffer[1 + AG_BTSNOOP_MAX];
};

static int negative_errno(void)
{
	return errno > 0 ? -errno : -EIO;
}

void ag_capture_close(struct ag_capture *capture)
{
	if (!capture)
		return;
	if (capture->file)
		fclose(capture->file);
	free(capture);
}

static void capture_cleanup(struct ag_capture **capture)
{
	ag_capture_close(*capture);
}

static int complain(FILE *errors, const char *path, const char *what)
{
	fprintf(errors, "%s: %s\n", path, what);
	return AG_CAPTURE_UNKNOWN;
}

static int read_file_header(struct ag_capture *capture, const char *path, FILE *errors)
{
	uint8_t header[AG_BTSNOOP_FILE_LEN];
	size_t len = fread(header, 1, sizeof(header), capture->file);
	uint32_t link = 0;

	if (ferror(capture->file))
		return complain(errors, path, strerror(errno));
	switch (ag_btsnoop_get_file(header, len, &link)) {
	case 0:
		capture->link = (enum ag_btsnoop_link)link;
		capture->offset = AG_BTSNOOP_FILE_LEN;
		return 0;
	case AG_BTSNOOP_DATALINK:
		fprintf(errors,
			"%s: a btsnoop file of datalink %u; known are 1001 (HCI), 1002 (H4) and "
			"2001 (Linux monitor)\n",
			path, link);
		return AG_CAPTURE_UNKNOWN;
	case AG_BTSNOOP_VERSION:
		return complain(errors, path, "a btsnoop file of another version than 1");
	default:
		return complain(errors, path,
				"not a btsnoop file (`btmon -w FILE' and Android's HCI log write "
				"them)");
	}
}

int ag_capture_open(const char *path, FILE *errors, struct ag_capture **out)
{
	ag_cleanup(capture_cleanup) struct ag_capture *capture = calloc(1, sizeof(*capture));
	struct stat status;
	int result;

	if (!capture)
		return -ENOMEM;
	capture->file = fopen(path, "rb");
	if (!capture->file)
		return complain(errors, path, strerror(errno));
	if (fstat(fileno(capture->file), &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return complain(errors, path, strerror(EISDIR));
		if (S_ISREG(status.st_mode))
			capture->size = (uint64_t)status.st_size;
	}
	result = read_file_header(capture, path, errors);
	if (result != 0)
		return result;
	*out = ag_take(capture);
	return 0;
}

enum ag_btsnoop_link ag_capture_link(const struct ag_capture *capture)
{
	return capture->link;
}

uint64_t ag_capture_size(const struct ag_capture *capture)
{
	return capture->size;
}

int ag_capture_rewind(struct ag_capture *capture)
{
	if (fseek(capture->file, AG_BTSNOOP_FILE_LEN, SEEK_SET) != 0)
		return negative_errno();
	capture->offset = AG_BTSNOOP_FILE_LEN;
	capture->number = 0;
	return 0;
}

/* @return: 0, AG_CAPTURE_END when there is nothing at all, AG_CAPTURE_TRUNCATED or -errno */
static int read_octets(struct ag_capture *capture, uint8_t *out, size_t len)
{
	size_t got = fread(out, 1, len, capture->file);

	if (got == len)
		return 0;
	if (ferror(capture->file))
		return negative_errno();
	return got == 0 ? AG_CAPTURE_END : AG_CAPTURE_TRUNCATED;
}

static void fill_frame(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t *body = capture->buffer + 1;

	frame->meaning = ag_btsnoop_classify(capture->link, &frame->head,
					     frame->head.included_len > 0 ? body[0] : 0);
	frame->data = body;
	frame->len = frame->head.included_len;
	if (frame->meaning.kind == AG_BTSNOOP_PACKET && !frame->meaning.type_in_packet) {
		capture->buffer[0] = frame->meaning.h4_type;
		frame->data = capture->buffer;
		frame->len++;
	}
}

int ag_capture_next(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t header[AG_BTSNOOP_RECORD_LEN];
	int result = read_octets(capture, header, sizeof(header));

	frame->number = capture->number + 1;
	frame->offset = capture->offset;
	if (result != 0)
		return result;
	if (ag_btsnoop_get_record(header, sizeof(header), &frame->head) != 0)
		return AG_CAPTURE_CORRUPT;
	result = read_octets(capture, capture->buffer + 1, frame->head.included_len);
	if (result != 0)
		return result == AG_CAPTURE_END ? AG_CAPTURE_TRUNCATED : result;
	capture->number++;
	capture->offset += sizeof(header) + frame->head.included_len;
	fill_frame(capture, frame);
	return 0;
}

/* ---- Writing ----------------------------------------------------------------------------------
 */

struct ag_capture_writer {
	FILE *file;
	int error; /* the first one, negative */
};

static int write_octets(struct ag_capture_writer *writer, const uint8_t *data, size_t len)
{
	if (writer->error == 0 && len > 0 && fwrite(data, 1, len, writer->file) != len)
		writer->error = negative_errno();
	return writer->error;
}

int ag_capture_writer_open(const char *path, enum ag_btsnoop_link link,
			   struct ag_capture_writer **out)
{
	ag_autofree struct ag_capture_writer *writer = calloc(1, sizeof(*writer));
	uint8_t header[AG_BTSNOOP_FILE_LEN];

	if (!writer)
		return -ENOMEM;
	writer->file = fopen(path, "wb");
	if (!writer->file)
		return negative_errno();
	ag_btsnoop_put_file(link, header);
	write_octets(writer, header, sizeof(header));
	*out = ag_take(writer);
	return 0;
}

int ag_capture_write(struct ag_capture_writer *writer, const struct ag_btsnoop_record *record,
		     const uint8_t *data)
{
	uint8_t header[AG_BTSNOOP_RECORD_LEN];

	ag_btsnoop_put_record(record, header);
	write_octets(writer, header, sizeof(header));
	return write_octets(writer, data, record->included_len);
}

int ag_capture_writer_close(struct ag_capture_writer *writer)
{
	int error;

	if (!writer)
		return 0;
	if (fclose(writer->file) != 0 && writer->error == 0)
		writer->error = negative_errno();
	error = writer->error;
	free(writer);
	return error;
}
