/* stats.h - the counters of one worker
 *
 * Written by that worker alone, read by the control thread: single-writer atomics, so adding costs a
 * plain add. Each becomes the metric diemcau_sfu_NAME. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define STATS_COUNTERS(X)                                                                         \
	X(packets_in_total, "RTP packets received from publishers")                               \
	X(packets_out_total, "RTP packets handed to the kernel for viewers, repairs included")    \
	X(bytes_in_total, "bytes of RTP received, on the wire of UDP payload")                    \
	X(bytes_out_total, "bytes of RTP sent, on the wire of UDP payload")                       \
	X(messages_out_total, "messages handed to the kernel: packets / messages is the GSO gain")\
	X(send_full_total, "times the UDP socket was full: sending went on a tick later")         \
	X(send_dropped_total, "packets dropped because they could not be sent")                   \
	X(shed_total, "packets of video dropped for all viewers because sending fell behind")     \
	X(stun_checks_total, "connectivity checks answered")                                      \
	X(ice_restarts_total, "ICE restarts that a check has completed")                          \
	X(stun_dropped_total, "STUN messages dropped unanswered")                                 \
	X(unknown_dropped_total, "datagrams from an address without a valid check")               \
	X(malformed_dropped_total, "datagrams of known addresses that are no packet of ours")     \
	X(srtp_failed_total, "SRTP and SRTCP packets that were not authentic or replayed")        \
	X(ssrc_unknown_total, "authentic packets of a stream nobody announced")                   \
	X(duplicates_total, "packets received twice or too late to matter")                       \
	X(keyframe_requests_total, "picture loss indications sent to publishers")                 \
	X(pli_in_total, "keyframe requests received from viewers")                                \
	X(nack_in_total, "packets asked for again by viewers")                                    \
	X(rtx_out_total, "packets sent again to viewers")                                         \
	X(nack_out_total, "packets asked for again from publishers")                              \
	X(layers, "pictures that come in now, each size of a camera counted")                     \
	X(rtx_in_total, "packets received again from publishers")                                 \
	X(feedback_in_total, "transport-wide feedback messages received from viewers")            \
	X(probe_packets_total, "packets of padding sent to learn what lines carry")               \
	X(tap_packets_total, "packets handed to the tap of the recorder")                         \
	X(tap_dropped_total, "packets and news that the tap's full queue did not take")           \
	X(handshakes_total, "DTLS handshakes completed")                                          \
	X(handshakes_delayed_total, "datagrams of handshakes dropped because too many waited")    \
	X(handshakes_failed_total, "DTLS handshakes that failed")                                \
	X(lines_taken_total, "TCP lines that came by the HTTPS port")                             \
	X(lines_refused_total, "what came through the door to it and is no TCP line")             \
	X(passed_on_total, "packets passed to workers that have viewers of the stage")            \
	X(handed_over_total, "datagrams that came to the socket of another worker")               \
	X(ring_full_total, "packets and datagrams dropped because another worker fell behind")

typedef struct Stats {
#define STATS_FIELD(name, help) _Atomic uint64_t name;
	STATS_COUNTERS(STATS_FIELD)
#undef STATS_FIELD
} Stats;

/* Adds from the owning worker. */
#define STATS_ADD(stats, name, n)                                                                 \
	atomic_store_explicit(&(stats)->name,                                                     \
		atomic_load_explicit(&(stats)->name, memory_order_relaxed) + (uint64_t)(n),       \
		memory_order_relaxed)
/* Reads from any thread. */
#define STATS_READ(stats, name) atomic_load_explicit(&(stats)->name, memory_order_relaxed)
