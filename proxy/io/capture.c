/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proxy/io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proxy/base/cleanup.h"
#include "proxy/io/capture_internal.h"
#include "proxy/io/fd.h"

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

/* ---- Octets ---- */

int ag_capture_octets(struct ag_capture *capture, uint8_t *out, size_t len)
{
	size_t ahead = len < capture->n_ahead ? len : capture->n_ahead;
	size_t got = ahead;

	memcpy(out, capture->ahead, ahead);
	capture->n_ahead -= ahead;
	memmove(capture->ahead, capture->ahead + ahead, capture->n_ahead);
	if (got < len)
		got += fread(out + got, 1, len - got, capture->file);
	if (got == len)
		return 0;
	if (ferror(capture->file))
		return negative_errno();
	return got == 0 ? AG_CAPTURE_END : AG_CAPTURE_TRUNCATED;
}

int ag_capture_skip(struct ag_capture *capture, uint64_t len)
{
	uint8_t scratch[4096];

	while (len > 0) {
		size_t part = len < sizeof(scratch) ? (size_t)len : sizeof(scratch);
		int result = ag_capture_octets(capture, scratch, part);

		if (result != 0)
			return result == AG_CAPTURE_END ? AG_CAPTURE_TRUNCATED : result;
		len -= part;
	}
	return 0;
}

/* ---- btsnoop ---- */

static int begin_btsnoop(struct ag_capture *capture)
{
	uint8_t header[AG_BTSNOOP_FILE_LEN];
	uint32_t link = 0;
	int result = ag_capture_octets(capture, header, sizeof(header));

	if (result != 0)
		return result < 0 ? result
				  : ag_capture_refuse(capture,
						      "a btsnoop file that ends within its header");
	capture->offset = sizeof(header);
	switch (ag_btsnoop_get_file(header, sizeof(header), &link)) {
	case 0:
		capture->link = (enum ag_btsnoop_link)link;
		return 0;
	case AG_BTSNOOP_DATALINK:
		return ag_capture_refuse(capture,
					 "a btsnoop file of datalink %u; known are 1001 (HCI), "
					 "1002 (H4) and 2001 (Linux monitor)",
					 link);
	default:
		return ag_capture_refuse(capture, "a btsnoop file of another version than 1");
	}
}

enum ag_btsnoop_link ag_capture_link(const struct ag_capture *capture)
{
	return capture->link;
}

uint64_t ag_capture_size(const struct ag_capture *capture)
{
	return capture->size;
}

static void fill_frame(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t *body = capture->buffer + 1;

	frame->meaning = ag_btsnoop_classify(capture->link, &frame->head,
					     frame->head.included_len > 0 ? body[0] : 0);
	ag_capture_place(capture, frame, body, frame->head.included_len);
}

static int next_btsnoop(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	uint8_t header[AG_BTSNOOP_RECORD_LEN];
	int result = ag_capture_octets(capture, header, sizeof(header));

	if (result != 0)
		return result;
	if (ag_btsnoop_get_record(header, sizeof(header), &frame->head) != 0)
		return AG_CAPTURE_CORRUPT;
	result = ag_capture_octets(capture, capture->buffer + 1, frame->head.included_len);
	if (result != 0)
		return result == AG_CAPTURE_END ? AG_CAPTURE_TRUNCATED : result;
	capture->offset += sizeof(header) + frame->head.included_len;
	fill_frame(capture, frame);
	return 0;
}

static bool is_btsnoop(const uint8_t *data, size_t len, struct ag_capture *capture)
{
	(void)capture;
	return len >= 8 && memcmp(data, "btsnoop", 8) == 0;
}

static const struct capture_format btsnoop = { is_btsnoop, begin_btsnoop, next_btsnoop };

/* ---- Any format ---- */

static const struct capture_format *const formats[] = {
	&btsnoop, &ag_capture_pcap, &ag_capture_pcapng,
	&ag_capture_pklg, /* the last, as it has no magic number */
};

int ag_capture_refuse(struct ag_capture *capture, const char *format, ...)
{
	va_list args;

	if (!capture->errors)
		return AG_CAPTURE_UNKNOWN;
	fprintf(capture->errors, "%s: ", capture->path);
	va_start(args, format);
	vfprintf(capture->errors, format, args);
	va_end(args);
	fputc('\n', capture->errors);
	return AG_CAPTURE_UNKNOWN;
}

void ag_capture_place(struct ag_capture *capture, struct ag_capture_frame *frame, uint8_t *body,
		      size_t len)
{
	(void)capture;
	frame->data = body;
	frame->len = len;
	if (frame->meaning.kind == AG_BTSNOOP_PACKET && !frame->meaning.type_in_packet) {
		body[-1] = frame->meaning.h4_type;
		frame->data = body - 1;
		frame->len++;
	}
}

static int begin(struct ag_capture *capture)
{
	capture->n_ahead = fread(capture->ahead, 1, sizeof(capture->ahead), capture->file);
	if (ferror(capture->file))
		return ag_capture_refuse(capture, "%s", strerror(errno));
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!formats[i]->detect(capture->ahead, capture->n_ahead, capture))
			continue;
		capture->format = formats[i];
		return capture->format->begin(capture);
	}
	return ag_capture_refuse(capture,
				 "not a btsnoop file (`btmon -w FILE' and Android's HCI log "
				 "write them), nor pcap, pcapng or pklg");
}

int ag_capture_open(const char *path, FILE *errors, struct ag_capture **out)
{
	ag_cleanup(capture_cleanup) struct ag_capture *capture = calloc(1, sizeof(*capture));
	struct stat status;
	int result;

	if (!capture)
		return -ENOMEM;
	capture->errors = errors;
	capture->path = path;
	capture->file = fopen(path, "rb");
	if (!capture->file)
		return ag_capture_refuse(capture, "%s", strerror(errno));
	if (fstat(fileno(capture->file), &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return ag_capture_refuse(capture, "%s", strerror(EISDIR));
		if (S_ISREG(status.st_mode))
			capture->size = (uint64_t)status.st_size;
	}
	result = begin(capture);
	if (result != 0)
		return result;
	capture->errors = NULL;
	capture->path = NULL;
	*out = ag_take(capture);
	return 0;
}

int ag_capture_next(struct ag_capture *capture, struct ag_capture_frame *frame)
{
	int result;

	frame->number = capture->number + 1;
	frame->offset = capture->offset;
	result = capture->format->next(capture, frame);
	if (result == 0)
		capture->number++;
	return result;
}

int ag_capture_rewind(struct ag_capture *capture)
{
	int result;

	if (fseek(capture->file, 0, SEEK_SET) != 0)
		return negative_errno();
	capture->offset = 0;
	capture->number = 0;
	memset(capture->host_sent, 0, sizeof(capture->host_sent));
	result = begin(capture);
	return result > 0 ? -EIO : result;
}

/* ---- Writing ---- */

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
	ag_cleanup(ag_fd_cleanup) int fd = -1;
	uint8_t header[AG_BTSNOOP_FILE_LEN];

	if (!writer)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || !(writer->file = fdopen(fd, "wb")))
		return negative_errno();
	(void)ag_fd_take(&fd);
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
