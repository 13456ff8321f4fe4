/* h264.h - what an H.264 RTP payload holds (RFC 6184): enough to know where a viewer may start
 *
 * Pure functions over bytes; any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct H264 {
	bool starts_nal;    /* first byte of at least one NAL unit is here */
	bool sps, pps;      /* a parameter set is here */
	bool idr;           /* an IDR slice starts or goes on here */
	bool keyframe;      /* a viewer may start here: SPS, or an IDR start without parameter sets in band */
} H264;

/* Single NAL units, STAP-A and FU-A. False: another type, or malformed. */
bool h264_read(H264 *h264, const uint8_t *payload, size_t len);
