// SPDX-License-Identifier: Apache-2.0
// One table of cases for everything in bpf/core, run natively and in the kernel.
#include <bpf/bpf.h>
#include <core_eval.skel.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "tests/kernel/core_eval.h"

namespace {

constexpr __u64 kV4High = 0,
                kV4Low = (__u64{WEIR_V4_PREFIX} << 32) | 0x0100000a;  // ::ffff:10.0.0.1
constexpr __u64 kV6High = 0xfd00ULL << 32, kV6Low = 1;
// The low half of ::ffff:a.b.c.d.
constexpr __u64 v4(__u64 a, __u64 b, __u64 c, __u64 d) {
    return __u64{WEIR_V4_PREFIX} << 32 | d << 24 | c << 16 | b << 8 | a;
}
constexpr __u64 kWord = 1000ULL | 1ULL << 32 | 5ULL << 33;

constexpr __u64 kTo1 = CORE_FLOW(WEIR_FLOW_ON_EDGE, 1, 9, 900),
                kTo2 = CORE_FLOW(WEIR_FLOW_ON_OTHER, 2, 9, 950),
                kFree = CORE_FLOW(WEIR_FLOW_FREE, 3, 9, 990),
                kIdle = CORE_FLOW(WEIR_FLOW_ON_EDGE, 4, 8, 100), kNone = ~0ULL;

const core_call kCases[] = {
    {CORE_ADDR_FROM_V4, {0x0100000a}, {kV4High, kV4Low}},
    {CORE_ADDR_IS_V4, {kV4High, kV4Low}, {1}},
    {CORE_ADDR_IS_V4, {kV6High, kV6Low}, {0}},
    {CORE_ADDR_IS_V4, {0, 0}, {0}},
    {CORE_ADDR_IS_V4, {1, kV4Low}, {0}},
    {CORE_ADDR_IS_ANY, {0, 0}, {1}},
    {CORE_ADDR_IS_ANY, {0, 1}, {0}},
    {CORE_ADDR_IS_ANY, {1ULL << 63, 0}, {0}},
    {CORE_ADDR_EQUAL, {kV6High, kV6Low, kV6High, kV6Low}, {1}},
    {CORE_ADDR_EQUAL, {kV6High, kV6Low, kV6High, 2}, {0}},
    {CORE_ADDR_EQUAL, {kV6High, kV6Low, kV6High | 1, kV6Low}, {0}},
    {CORE_DESTINATION, {kV4High, v4(127, 0, 0, 1)}, {WEIR_DESTINATION_NODE}},
    {CORE_DESTINATION, {kV4High, v4(0, 0, 0, 0)}, {WEIR_DESTINATION_NODE}},
    {CORE_DESTINATION, {0, 0}, {WEIR_DESTINATION_NODE}},
    {CORE_DESTINATION, {0, 0x01000000}, {WEIR_DESTINATION_NODE}},  // ::1
    {CORE_DESTINATION, {kV4High, v4(10, 255, 0, 1)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(172, 16, 0, 1)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(172, 31, 255, 1)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(172, 32, 0, 1)}, {WEIR_DESTINATION_OUTSIDE}},
    {CORE_DESTINATION, {kV4High, v4(192, 168, 3, 4)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(100, 64, 0, 1)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(100, 128, 0, 1)}, {WEIR_DESTINATION_OUTSIDE}},
    {CORE_DESTINATION, {kV4High, v4(169, 254, 169, 254)}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {kV4High, v4(8, 8, 8, 8)}, {WEIR_DESTINATION_OUTSIDE}},
    {CORE_DESTINATION, {0xfdULL << 32, 1}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {0x80feULL << 32, 1}, {WEIR_DESTINATION_PRIVATE}},
    {CORE_DESTINATION, {0xc0feULL << 32, 1}, {WEIR_DESTINATION_OUTSIDE}},
    {CORE_DESTINATION, {0x60480120ULL << 32, 1}, {WEIR_DESTINATION_OUTSIDE}},
    // A plain AF_INET6 socket reaches both; V6ONLY or a bound address narrow it.
    {CORE_REACH, {0, 0, 0}, {WEIR_REACH_BOTH}},
    {CORE_REACH, {0, 0, 1}, {WEIR_REACH_V6}},
    {CORE_REACH, {kV4High, kV4Low, 0}, {WEIR_REACH_V4}},
    {CORE_REACH, {kV6High, kV6Low, 0}, {WEIR_REACH_V6}},
    {CORE_PUBLISHED_ENCODE, {1000, 1, 4}, {kWord}},
    {CORE_PUBLISHED_ENCODE, {0, 0, 0}, {1ULL << 33}},                 // never 0, even for nothing
    {CORE_PUBLISHED_ENCODE, {0, 0, (1ULL << 31) - 1}, {1ULL << 33}},  // the generation wraps
    {CORE_PUBLISHED_ENCODE,
     {0xffffffff, 0, (1ULL << 31) - 2},
     {0xffffffffULL | 0x7fffffffULL << 33}},
    {CORE_PUBLISHED_DECODE, {kWord}, {1000, 1, 5}},
    {CORE_PUBLISHED_DECODE, {0}, {0, 0, 0}},
    // The reach stands where the algorithm is otherwise; sets of all, IPv4 and IPv6 endpoints.
    {CORE_SLOTS_IN_REACH, {kWord, WEIR_REACH_BOTH, 0, 7, 3, 4, 5, 6}, {1000, 7}},
    {CORE_SLOTS_IN_REACH, {kWord, WEIR_REACH_V4, 0, 7, 3, 4, 5, 6}, {1003, 4}},
    {CORE_SLOTS_IN_REACH, {kWord, WEIR_REACH_V6, 0, 7, 3, 4, 5, 6}, {1005, 6}},
    {CORE_VIP_FILTER_BIT, {0, 0x0000ffff0a000001, 0x5000, 6}, {55004}},
    {CORE_VIP_FILTER_BIT, {0, 0x0000ffff0a000001, 0x5100, 6}, {115213}},
    {CORE_VIP_FILTER_BIT, {0, 0x0000ffff0a000001, 0x5000, 17}, {208170}},
    {CORE_VIP_FILTER_BIT, {0xfd00009600000000, 0x0000000000000010, 0x5000, 6}, {159682}},
    {CORE_VIP_FILTER_WORD, {0}, {0}},
    {CORE_VIP_FILTER_WORD, {262143}, {4095}},
    {CORE_VIP_FILTER_MASK, {0}, {1}},
    {CORE_VIP_FILTER_MASK, {262143}, {1ULL << 63}},
    {CORE_RANDOM_CELL, {0, 10}, {0}},
    {CORE_RANDOM_CELL, {0xffffffff, 10}, {9}},
    {CORE_RANDOM_CELL, {0xffffffff, 65536}, {65535}},
    {CORE_RANDOM_CELL, {0x80000000, 2}, {1}},
    {CORE_RANDOM_FRACTION, {0x80000000, 2}, {0}},
    {CORE_RANDOM_FRACTION, {0x40000000, 2}, {0x80000000}},
    {CORE_ALIAS_CELL, {0x12345678, 0xabcd, 0xef01}, {0xef01abcd12345678}},
    {CORE_ALIAS_PICK, {0xef01abcd12345678, 0x12345677}, {0xabcd}},
    {CORE_ALIAS_PICK, {0xef01abcd12345678, 0x12345678}, {0xef01}},
    {CORE_PACKED_WORD, {0}, {0}},
    {CORE_PACKED_WORD, {7}, {1}},
    {CORE_PACKED_INDEX, {0x4444333322221111, 4}, {0x1111}},
    {CORE_PACKED_INDEX, {0x4444333322221111, 7}, {0x4444}},
    {CORE_SLOT_WORDS, {WEIR_ALGORITHM_RANDOM, 5}, {5}},
    {CORE_SLOT_WORDS, {WEIR_ALGORITHM_ROUND_ROBIN, 5}, {2}},
    {CORE_SLOT_WORDS, {WEIR_ALGORITHM_ROUND_ROBIN, 0}, {0}},
    {CORE_PHASE_BEFORE, {WEIR_EVENT_SYN}, {WEIR_PHASE_PICKED}},
    {CORE_PHASE_BEFORE, {WEIR_EVENT_ESTABLISHED}, {WEIR_PHASE_SYN_SENT}},
    {CORE_PHASE_AFTER, {WEIR_EVENT_SYN}, {WEIR_PHASE_SYN_SENT}},
    {CORE_PHASE_AFTER, {WEIR_EVENT_ESTABLISHED}, {WEIR_PHASE_ESTABLISHED}},
    // Phase, errno of the socket, whether bytes came; what it counts as, and why it failed.
    // Who sent the reset: an errno says that we received one; none, and straight to CLOSE, we did.
    {CORE_CUT_OFF_BY, {WEIR_TCP_ESTABLISHED, ECONNRESET}, {WEIR_CUT_OFF_BY_ENDPOINT}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_CLOSE_WAIT, EPIPE}, {WEIR_CUT_OFF_BY_ENDPOINT}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_ESTABLISHED, 0}, {WEIR_CUT_OFF_BY_CALLER}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_CLOSE_WAIT, 0}, {WEIR_CUT_OFF_BY_CALLER}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_ESTABLISHED, ETIMEDOUT}, {WEIR_CUT_OFF_BY_NONE}},
    {CORE_CUT_OFF_BY, {5 /* FIN_WAIT2 */, 0}, {WEIR_CUT_OFF_BY_NONE}},
    {CORE_CUT_OFF_BY, {5 /* FIN_WAIT2 */, ECONNRESET, 1}, {WEIR_CUT_OFF_BY_NONE}},
    {CORE_CUT_OFF_BY, {5 /* FIN_WAIT2 */, ECONNRESET, 0}, {WEIR_CUT_OFF_BY_ENDPOINT}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_ESTABLISHED, ECONNABORTED}, {WEIR_CUT_OFF_BY_CALLER}},
    {CORE_CUT_OFF_BY, {WEIR_TCP_SYN_SENT, ECONNREFUSED}, {WEIR_CUT_OFF_BY_NONE}},
    // Each bucket, and the least time in it.
    {CORE_LATENCY_BUCKET, {0}, {0, 0}},
    {CORE_LATENCY_BUCKET, {3}, {3, 3}},
    {CORE_LATENCY_BUCKET, {4}, {4, 4}},
    {CORE_LATENCY_BUCKET, {7}, {7, 7}},
    {CORE_LATENCY_BUCKET, {9}, {8, 8}},
    {CORE_LATENCY_BUCKET, {1023}, {35, 896}},
    {CORE_LATENCY_BUCKET, {1024}, {36, 1024}},
    {CORE_LATENCY_BUCKET, {(1 << 26) - 1}, {99, 58720256}},
    {CORE_LATENCY_BUCKET, {1 << 26}, {99, 58720256}},
    {CORE_LATENCY_BUCKET, {~0ULL}, {99, 58720256}},
    // End, acknowledged, received, sent, asked; round trip, last heard, now.
    {CORE_SEGMENT, {1000, 501, 1000, 501, 1}, {WEIR_SEGMENT_OLD}},  // a pure ACK
    {CORE_SEGMENT, {900, 501, 1000, 501, 1}, {WEIR_SEGMENT_OLD}},   // sent again
    {CORE_SEGMENT, {1100, 1, 1000, 1, 1}, {WEIR_SEGMENT_MORE}},     // a greeting
    {CORE_SEGMENT, {1100, 501, 1000, 501, 1}, {WEIR_SEGMENT_ANSWER}},
    {CORE_SEGMENT, {1100, 501, 1000, 501, 1, 50, 1, 9000000}, {WEIR_SEGMENT_ANSWER}},
    {CORE_SEGMENT, {1100, 301, 1000, 501, 1}, {WEIR_SEGMENT_OVERLAPS}},    // before all had come
    {CORE_SEGMENT, {50, 501, 0xfffffff0, 501, 1}, {WEIR_SEGMENT_ANSWER}},  // the numbers wrap
    {CORE_SEGMENT, {1100, 501, 1000, 501, 501, 500, 1000, 3001000}, {WEIR_SEGMENT_MORE}},
    {CORE_SEGMENT, {1100, 501, 1000, 501, 501, 500, 1000, 3002000}, {WEIR_SEGMENT_LATE}},
    {CORE_SEGMENT, {1100, 501, 1000, 501, 501, 500, 0, 3002000}, {WEIR_SEGMENT_MORE}},
    {CORE_SAMPLED_AFTER, {1, WEIR_SEGMENT_ANSWER}, {1}},
    {CORE_SAMPLED_AFTER, {9, WEIR_SEGMENT_ANSWER}, {8}},
    {CORE_SAMPLED_AFTER, {9, WEIR_SEGMENT_MORE}, {9}},
    {CORE_SAMPLED_AFTER, {1, WEIR_SEGMENT_LATE}, {9}},
    {CORE_SAMPLED_AFTER, {25, WEIR_SEGMENT_OVERLAPS}, {33}},
    {CORE_SAMPLED_AFTER, {26, WEIR_SEGMENT_LATE}, {0}},
    {CORE_END_OF, {WEIR_PHASE_DONE, 0, 1}, {WEIR_END_NONE, WEIR_FAILURE_ABANDONED}},
    {CORE_END_OF, {WEIR_PHASE_PICKED, 0, 1}, {WEIR_END_FAILED, WEIR_FAILURE_LOCAL}},
    {CORE_END_OF, {WEIR_PHASE_PICKED, ECONNREFUSED, 0}, {WEIR_END_FAILED, WEIR_FAILURE_LOCAL}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, 0, 1}, {WEIR_END_FAILED, WEIR_FAILURE_ABANDONED}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, ECONNREFUSED}, {WEIR_END_FAILED, WEIR_FAILURE_REFUSED}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, ETIMEDOUT}, {WEIR_END_FAILED, WEIR_FAILURE_TIMEOUT}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, EHOSTUNREACH}, {WEIR_END_FAILED, WEIR_FAILURE_UNREACHABLE}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, EHOSTDOWN}, {WEIR_END_FAILED, WEIR_FAILURE_UNREACHABLE}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, EACCES}, {WEIR_END_FAILED, WEIR_FAILURE_UNREACHABLE}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, ENOPROTOOPT}, {WEIR_END_FAILED, WEIR_FAILURE_UNREACHABLE}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, ENETUNREACH}, {WEIR_END_FAILED, WEIR_FAILURE_UNREACHABLE}},
    {CORE_END_OF, {WEIR_PHASE_SYN_SENT, EPROTO}, {WEIR_END_FAILED, WEIR_FAILURE_OTHER}},
    {CORE_END_OF, {WEIR_PHASE_ESTABLISHED, 0, 0}, {WEIR_END_CLOSED, WEIR_FAILURE_RESET}},
    {CORE_END_OF, {WEIR_PHASE_ESTABLISHED, ECONNRESET, 0}, {WEIR_END_FAILED, WEIR_FAILURE_RESET}},
    {CORE_END_OF, {WEIR_PHASE_ESTABLISHED, ECONNRESET, 1}, {WEIR_END_CLOSED, WEIR_FAILURE_RESET}},
    {CORE_END_OF, {WEIR_PHASE_ESTABLISHED, ETIMEDOUT, 0}, {WEIR_END_CLOSED, WEIR_FAILURE_RESET}},
    {CORE_END_OF, {77, 0, 0}, {WEIR_END_NONE, WEIR_FAILURE_ABANDONED}},
    {CORE_INHERIT_WORKLOAD, {1, 5, 1, 9}, {5, 1}},
    {CORE_INHERIT_WORKLOAD, {1, 0, 1, 9}, {0, 1}},
    {CORE_INHERIT_WORKLOAD, {0, 0, 1, 9}, {9, 2}},
    {CORE_INHERIT_WORKLOAD, {0, 0, 0, 9}, {WEIR_WORKLOAD_UNKNOWN}},
    // Flows to the services 1 and 2, a free room whose leftovers mean nothing, and an idle flow.
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_TO, 1}, {0}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_TO, 2}, {1}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_TO, 3}, {kNone}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_FROM, 9}, {1}},  // both: the later one
    {CORE_UDP_FLOW, {kTo2, kTo1, kFree, kIdle, CORE_FLOW_FROM, 9}, {0}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_FROM, 8}, {3}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_FROM, 1}, {kNone}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_ROOM, 2, 1000, 500}, {1}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kFree, kIdle, CORE_FLOW_ROOM, 7, 1000, 500}, {2}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kTo2, kIdle, CORE_FLOW_ROOM, 7, 1000, 500}, {3}},
    {CORE_UDP_FLOW, {kTo1, kTo2, kTo2, kIdle, CORE_FLOW_ROOM, 7, 1000, 5000}, {kNone}},
    {CORE_UDP_FLOW, {kTo1, 0, 0, 0, CORE_FLOW_IDLE, 0, 1399, 500}, {0}},
    {CORE_UDP_FLOW, {kTo1, 0, 0, 0, CORE_FLOW_IDLE, 0, 1400, 500}, {1}},
    {CORE_UDP_FLOW, {kTo1, 0, 0, 0, CORE_FLOW_IDLE, 0, 100, 500}, {0}},  // used by another CPU
    {CORE_UDP_FLOW, {kTo1, 0, 0, 0, CORE_FLOW_OBSERVED}, {0}},
    {CORE_UDP_FLOW, {CORE_FLOW(1, 9, 9, 5), 0, 0, 0, CORE_FLOW_OBSERVED}, {1}},
    {CORE_CHOICE, {CHOICE_ASK_AT, 1000}, {4000}},
    {CORE_CHOICE, {CHOICE_ASK_AT, (1ULL << 30) + 7}, {28}},  // the clock went round
    {CORE_CHOICE, {CHOICE_ASK_AT, 1ULL << 30}, {0xfffffffc}},
    {CORE_CHOICE, {CHOICE_ASK_IS_OPEN, WEIR_ASK_SAID}, {0}},
    {CORE_CHOICE, {CHOICE_ASK_IS_OPEN, 4}, {1}},
    {CORE_CHOICE, {CHOICE_ASK_WAITED, 4000 | WEIR_ASK_REFUSED, 1750}, {750}},
    {CORE_CHOICE, {CHOICE_ASK_WAITED, 0xfffffffc, 1ULL << 30}, {1}},
    {CORE_CHOICE, {CHOICE_ASK_WAITED, 4000, 999}, {0}},  // asked by another CPU meanwhile
    {CORE_CHOICE, {CHOICE_ASK_WAITED, 4000, 1000 + 86'400'000}, {86'400'000}},
    {CORE_CHOICE, {CHOICE_ASK_SENT, 4000, 1'750'300'000}, {1'000'000'000}},
    {CORE_CHOICE, {CHOICE_ASK_SENT, WEIR_ASK_REFUSED, 1'750'300'000}, {1'750'300'000}},
    {CORE_CHOICE, {CHOICE_ASK_SAID, ECONNREFUSED, 4 | WEIR_ASK_SAID}, {1ULL << 32}},
    {CORE_CHOICE,
     {CHOICE_ASK_SAID, EHOSTUNREACH, 4 | WEIR_ASK_UNREACHABLE},
     {2ULL << 32 | WEIR_FAILURE_UNREACHABLE}},
    {CORE_CHOICE, {CHOICE_ASK_SAID, ENETUNREACH, WEIR_ASK_REFUSED}, {2ULL << 32}},
    {CORE_CHOICE, {CHOICE_ASK_SAID, EACCES, WEIR_ASK_REFUSED}, {2ULL << 32}},
    {CORE_CHOICE, {CHOICE_ASK_SAID, EHOSTDOWN, WEIR_ASK_REFUSED}, {2ULL << 32}},
    {CORE_CHOICE, {CHOICE_ASK_SAID, EMSGSIZE, WEIR_ASK_REFUSED}, {0}},
    {CORE_CHOICE, {CHOICE_UNTIL, WEIR_UNTIL_HELD, 0, 4ULL << 8, 1}, {1000004 | WEIR_UNTIL_HELD}},
    {CORE_CHOICE, {CHOICE_TRY_MARK, 0, 0}, {1}},  // 0 is no mark
    {CORE_CHOICE, {CHOICE_TRY_MARK, 3ULL << 20, 2}, {95}},
    {CORE_CHOICE, {CHOICE_TRY_MARK, 3ULL << 20, WEIR_TRY_MARKS + 3}, {95}},
    {CORE_CHOICE, {CHOICE_FLOW_MODE, WEIR_MODE_OBSERVE, 95}, {95ULL << 32 | WEIR_MODE_OBSERVE}},
    // By an independent implementation of the same functions.
    {CORE_CHOICE, {CHOICE_MIX64, 1}, {12994781566227106604ULL}},
    {CORE_CHOICE, {CHOICE_ENDPOINT_SEED, kV4High, kV4Low, 0x5000}, {5153534563347609049ULL}},
    {CORE_CHOICE,
     {CHOICE_CLIENT_KEY, kV4High, kV4Low, 5, 5, 9},
     {7868787409248919245ULL}},  // bound: its address
    {CORE_CHOICE,
     {CHOICE_CLIENT_KEY, 0, 0, 7, 5, 9},
     {8360697188923789789ULL}},  // a pod: its namespace
    {CORE_CHOICE,
     {CHOICE_CLIENT_KEY, 0, 0, 5, 5, 9},
     {12050177130334348727ULL}},  // the node: its cgroup
    {CORE_CHOICE, {CHOICE_LOG2, 1}, {0}},
    {CORE_CHOICE, {CHOICE_LOG2, 2}, {1 << 24}},
    {CORE_CHOICE, {CHOICE_LOG2, 1U << 31}, {31U << 24}},
    {CORE_CHOICE, {CHOICE_LOG2, 3}, {26591258}},
    {CORE_CHOICE, {CHOICE_RENDEZVOUS_WINS, 10, 2, 4, 1}, {0}},  // 10 / 2 against 4 / 1
    {CORE_CHOICE, {CHOICE_RENDEZVOUS_WINS, 10, 3, 4, 1}, {1}},
    {CORE_CHOICE, {CHOICE_RENDEZVOUS_WINS, 4, 1, 4, 1}, {0}},      // the first stays
    {CORE_CHOICE, {CHOICE_LEAST, 1ULL << 40, 1, 100, 1, 0}, {9}},  // WEIR_LEAST_NONE
    {CORE_CHOICE, {CHOICE_LEAST, 5, 1, 9, 3, 0}, {9}},             // 5 / 1 against 9 / 3
    {CORE_CHOICE, {CHOICE_LEAST, 2, 1, 9, 3, 0}, {7}},
    {CORE_CHOICE, {CHOICE_LEAST, 3, 1, 9, 3, 0xbfffffff}, {9}},  // alike: three times in four
    {CORE_CHOICE, {CHOICE_LEAST, 3, 1, 9, 3, 0xc0000000}, {7}},
    {CORE_CHOICE, {CHOICE_WEIGHTED_CELL, 1000000, 65535}, {1000000ULL << 32 | 65535}},
    // Records of 8 words: near from the third word on, whole from the sixth; by reach.
    {CORE_CHOICE, {CHOICE_GROUP_WORD, 0, 1, WEIR_REACH_V4}, {2}},
    {CORE_CHOICE, {CHOICE_GROUP_WORD, 0, 0, WEIR_REACH_BOTH}, {7}},
    {CORE_CHOICE, {CHOICE_GROUP_WORD, 3, 1, WEIR_REACH_V6}, {27}},
    {CORE_CHOICE, {CHOICE_GROUP_AFTER, 2 + 2 * 5}, {WEIR_GROUP_ALL}},
    {CORE_CHOICE, {CHOICE_GROUP_AFTER, 2 + 2 * 5 + 1}, {WEIR_GROUP_ALL}},  // after two steps
    {CORE_CHOICE, {CHOICE_REACH_IN_GROUP, 3, 33}, {33ULL << 32 | 3}},
    {CORE_CHOICE, {CHOICE_SLOT_SET, 0x1234567890abcdef}, {0x1234567890abcdef}},
    {CORE_CHOICE, {CHOICE_EVEN_TURN, 2}, {0x3c6ef372}},
    {CORE_CHOICE, {CHOICE_GROUP_TURN, 7, WEIR_REACH_V4}, {4}},
    {CORE_CHOICE, {CHOICE_POINT_AMONG, 0x80000000, 100}, {50}},
    {CORE_CHOICE, {CHOICE_POINT_AMONG, 0xffffffff, 100}, {99}},
    {CORE_CHOICE, {CHOICE_IS_OFF, 0, 0}, {0}},
    {CORE_CHOICE, {CHOICE_IS_OFF, 10, 9}, {1}},
    {CORE_CHOICE, {CHOICE_IS_OFF, 10, 10}, {0}},
    {CORE_CHOICE, {CHOICE_MODE, 0, 0, 0}, {WEIR_MODE_STEER}},
    {CORE_CHOICE, {CHOICE_MODE, 0, 1, 0}, {WEIR_MODE_OBSERVE}},
    {CORE_CHOICE, {CHOICE_MODE, 0, 1, 2}, {WEIR_MODE_OFF}},
    {CORE_CHOICE, {CHOICE_MODE, 2, 1, 0}, {WEIR_MODE_OFF}},
};

class Core : public testing::Test {
  protected:
    void SetUp() override {
        skeleton_ = core_eval_bpf::open_and_load();
        ASSERT_NE(skeleton_, nullptr);
    }
    void TearDown() override { core_eval_bpf::destroy(skeleton_); }

    core_call in_kernel(core_call call) {
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.ctx_in = &call;
        options.ctx_size_in = sizeof(call);
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.run_core_eval), &options),
                  0);
        return call;
    }
    static core_call natively(core_call call) {
        core_eval(&call);
        return call;
    }
    static core_call question(const core_call& wanted) {
        core_call call = wanted;
        std::memset(call.out, 0, sizeof(call.out));
        return call;
    }

    core_eval_bpf* skeleton_ = nullptr;
};

TEST_F(Core, CasesHoldNativelyAndInTheKernel) {
    bool covered[CORE_OPERATIONS] = {};
    for (const auto& wanted : kCases) {
        covered[wanted.operation] = true;
        const auto native = natively(question(wanted)), kernel = in_kernel(question(wanted));
        for (int i = 0; i < 4; i++) {
            EXPECT_EQ(native.out[i], wanted.out[i])
                << "natively, operation " << wanted.operation << ", in " << wanted.in[0];
            EXPECT_EQ(kernel.out[i], wanted.out[i])
                << "in the kernel, operation " << wanted.operation << ", in " << wanted.in[0];
        }
    }
    for (int operation = 0; operation < CORE_OPERATIONS; operation++)
        EXPECT_TRUE(covered[operation]) << "no case for operation " << operation;
}

TEST_F(Core, RandomCallsAgree) {
    std::mt19937_64 random(11);
    for (int i = 0; i < 5000; i++) {
        core_call call{};
        call.operation = random() % CORE_OPERATIONS;
        for (auto& in : call.in)
            in = random() >> (random() % 64);
        const auto native = natively(call), kernel = in_kernel(call);
        ASSERT_EQ(std::memcmp(native.out, kernel.out, sizeof(native.out)), 0)
            << "operation " << call.operation;
    }
}

}  // namespace
