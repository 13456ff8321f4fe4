/* fz_twcc.c - transport-wide feedback: reading hostile FCI, and a log fed by hostile arrivals
 *
 * The first byte chooses: even, the rest is an FCI; odd, each four bytes are one arrival (a step of
 * the number, a step of time) or a moment to write. */
#include "common/reader.h"
#include "fuzz.h"
#include "sfu/rtcp.h"
#include "sfu/twcc.h"

static void read_fci(const uint8_t *fci, size_t len)
{
	TwccFeedback feedback;
	bool good = twcc_read(&feedback, fci, len);
	g_assert(good == (feedback.length > 0));
	g_assert(feedback.length <= G_N_ELEMENTS(feedback.arrivals));
	for (unsigned i = 0; i < feedback.length; i++)
		g_assert(
			feedback.arrivals[i].number == (uint16_t)(feedback.arrivals[0].number + i));
}

static void on_transport_cc(uint32_t from, const uint8_t *fci, size_t len, void *user)
{
	TwccFeedback feedback;
	g_assert(twcc_read(&feedback, fci, len));
	g_assert(feedback.arrivals[feedback.length - 1].received);
	g_assert(feedback.count == (uint8_t) * (unsigned *)user);
	++*(unsigned *)user;
}

static void write_all(TwccLog *log, unsigned *feedbacks)
{
	const RtcpEvents events = { .transport_cc = on_transport_cc };
	for (;;) {
		uint8_t data[1200];
		unsigned before = *feedbacks;
		Writer out = writer_of(data, sizeof data);
		if (!twcc_log_write(log, &out, 1, 2))
			break;
		g_assert(out.ok);
		g_assert(rtcp_read(data, writer_len(&out), &events, feedbacks));
		g_assert(*feedbacks == before + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (!(data[0] & 1)) {
		read_fci(data + 1, size - 1);
		return 0;
	}
	TwccLog *log = twcc_log_new();
	unsigned feedbacks = 0;
	int64_t now_us = 0;
	uint16_t number = 0;
	for (Reader in = reader_of(data + 1, size - 1); reader_left(&in) >= 4;) {
		number = (uint16_t)(number + (int8_t)read_u8(&in));
		uint8_t kind = read_u8(&in);
		now_us += (int64_t)read_u16(&in) * (kind & 1 ? 1000 : 10);
		if (kind & 2)
			number = (uint16_t)(number * 257);
		twcc_log_add(log, number, now_us);
		if (kind & 4)
			write_all(log, &feedbacks);
	}
	write_all(log, &feedbacks);
	twcc_log_free(log);
	return 0;
}
