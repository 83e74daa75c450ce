/* SPDX-License-Identifier: GPL-2.0-only */
/* What bindgen reads: the kernel's headers for netfilter and generic netlink, and our own. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/netfilter/x_tables.h>
#include <linux/rhashtable.h>
#include <linux/tcp.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include "helpers.h"
#include "uapi/tlsconn_netlink.h"
#include "uapi/xt_tlsconn.h"

/* Macros that bindgen does not evaluate, an offset that it may get wrong, and a constant of an enumeration without a name. */
enum { TLSCONN_TABLE_BUCKETS = offsetof(struct bucket_table, buckets) };
enum { TLSCONN_SKB_MARK = offsetof(struct sk_buff, mark), TLSCONN_SKB_BEFORE = offsetofend(struct sk_buff, cb) - 1 };
enum { TLSCONN_MCAST_ADMIN = GENL_MCAST_CAP_NET_ADMIN, TLSCONN_VALIDATE_MASK = NLA_VALIDATE_MASK };
