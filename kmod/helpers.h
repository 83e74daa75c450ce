/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's inline functions and macros that Rust cannot call, a function each and nothing more. What each may be
 * called from is what the kernel says of the function that it stands for.
 */
#ifndef _TLSCONN_SHIMS_H
#define _TLSCONN_SHIMS_H

#include <linux/list_nulls.h>
#include <linux/rhashtable-types.h>
#include <linux/skbuff.h>
#include <linux/spinlock_types.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/* What the table's hash multiplies by. */
#define TLSCONN_TABLE_HASH 0x61C88647

struct genl_family;
struct genl_info;
struct mem_cgroup;
struct net;
struct netlink_callback;
struct nf_conn;
struct nf_conntrack_tuple_hash;

/* The part of a tracked connection that the two indexes know: first in the connection's own struct. */
struct tlsconn_node {
	struct rhash_head by_ct;	/* in the table of connections by conntrack entry */
	struct nf_conn *ct;		/* the key; what is kept of the connection holds a reference to it */
};

/* Spinlocks that keep softirqs out, for what both softirq and process context take. */
void tlsconn_spin_lock_bh(spinlock_t *lock);
bool tlsconn_spin_trylock_bh(spinlock_t *lock);
void tlsconn_spin_unlock_bh(spinlock_t *lock);

/* The same where softirqs may be off already: says whether it had to turn them off, which unlocking wants to know. */
bool tlsconn_packet_lock(spinlock_t *lock);
void tlsconn_packet_unlock(spinlock_t *lock, bool softirqs);

/* This CPU's words on the packet that it is busy with: 0 and 1 (sys/packet_cache.rs). Any context. */
u64 tlsconn_packet_cache_read(unsigned int word);
void tlsconn_packet_cache_write(unsigned int word, u64 value);

/* Memory for connections, all of one size. */
struct kmem_cache *tlsconn_cache_new(const char *name, unsigned int size, unsigned int align,
				     void (*constructor)(void *object));
void *tlsconn_cache_alloc(struct kmem_cache *cache);

/*
 * Whose memory cgroup allocations with __GFP_ACCOUNT are charged to. Nothing without CONFIG_MEMCG. Begun and ended in the same
 * context, and in softirqs not one within another.
 */
struct mem_cgroup *tlsconn_memcg_of_caller(void);
void tlsconn_memcg_put(struct mem_cgroup *memcg);
struct mem_cgroup *tlsconn_memcg_begin(struct mem_cgroup *memcg);
void tlsconn_memcg_end(struct mem_cgroup *before);

/* Connections by conntrack entry. */
int tlsconn_table_init(struct rhashtable *table);
void tlsconn_table_destroy(struct rhashtable *table);
struct tlsconn_node *tlsconn_table_find(struct rhashtable *table, const struct nf_conn *ct);
struct tlsconn_node *tlsconn_table_insert(struct rhashtable *table, struct tlsconn_node *node);
int tlsconn_table_remove(struct rhashtable *table, struct tlsconn_node *node);
/* With a head in the same memory. */
void tlsconn_node_free_rcu(struct tlsconn_node *node, struct rcu_head *rcu);

/* What a connection issued for a session to be continued by. */
struct tlsconn_session {
	struct rhash_head by_digest;	/* in the table of sessions */
	u64 digest;			/* the key */
	u64 connection;			/* the connection's id */
};

/* All that it issued: an id, a ticket. First in what is kept of its sessions. */
struct tlsconn_sessions {
	struct tlsconn_session issued[2];
	struct rcu_head rcu;
};

/* Sessions by digest. */
int tlsconn_sessions_init(struct rhashtable *table);
void tlsconn_sessions_destroy(struct rhashtable *table);
struct tlsconn_session *tlsconn_sessions_find(struct rhashtable *table, u64 digest);
struct tlsconn_session *tlsconn_sessions_insert(struct rhashtable *table, struct tlsconn_session *session);
int tlsconn_sessions_replace(struct rhashtable *table, struct tlsconn_session *old, struct tlsconn_session *session);
int tlsconn_sessions_remove(struct rhashtable *table, struct tlsconn_session *session);
void tlsconn_sessions_free_rcu(struct tlsconn_sessions *sessions);

/* Connections by id. */
void tlsconn_xa_init(struct xarray *xa);
int tlsconn_xa_insert(struct xarray *xa, unsigned long index, void *entry);
void tlsconn_xa_erase(struct xarray *xa, unsigned long index);
void *tlsconn_xa_find(struct xarray *xa, unsigned long *index);
void *tlsconn_xa_find_marked(struct xarray *xa, unsigned long *index, unsigned int mark);
void tlsconn_xa_set_mark(struct xarray *xa, unsigned long index, unsigned int mark);
void tlsconn_xa_clear_mark(struct xarray *xa, unsigned long index, unsigned int mark);
/* Under RCU: the slots from the first entry at or after *index to the end of its node; *index becomes that entry's, *count how
 * many they are. NULL: there is none. Index 0 is not used. */
void **tlsconn_xa_leaf(struct xarray *xa, unsigned long *index, unsigned int *count);

/* Deferred work. */
void tlsconn_work_init(struct delayed_work *work, void (*run)(struct work_struct *work));
void tlsconn_work_schedule(struct delayed_work *work, unsigned int milliseconds);
void tlsconn_work_hasten(struct delayed_work *work, unsigned int milliseconds);
void tlsconn_work_cancel(struct delayed_work *work);
struct delayed_work *tlsconn_work_of(struct work_struct *work);
void tlsconn_cond_resched(void);

/* A grace period, at once: whoever waits for it holds up a command. */
void tlsconn_synchronize_rcu(void);

/* Conntrack. */
void tlsconn_ct_hold(struct nf_conn *ct);
bool tlsconn_ct_try_hold(struct nf_conn *ct);
void tlsconn_ct_put(struct nf_conn *ct);
void tlsconn_ct_mark_changed(struct nf_conn *ct);
void tlsconn_ct_deliver_events(struct nf_conn *ct);
u8 tlsconn_ct_tcp_state(const struct nf_conn *ct);
u16 tlsconn_ct_zone(const struct nf_conn *ct);
unsigned int tlsconn_ct_count(const struct net *net);
unsigned int tlsconn_ct_max(void);
bool tlsconn_ct_picked_up(const struct nf_conn *ct);
bool tlsconn_ct_is_over(const struct nf_conn *ct);
struct net *tlsconn_ct_net(const struct nf_conn *ct);
struct nf_conn *tlsconn_ct_of(const struct nf_conntrack_tuple_hash *hash);
void tlsconn_ct_table(struct hlist_nulls_head **first, unsigned int *size);
u32 tlsconn_ct_tcp_end(const struct nf_conn *ct, unsigned int direction);

/* Packets: where bytes lie in one page, NULL where they do not; a clone that holds on to bytes only. */
const u8 *tlsconn_skb_in_page(const struct sk_buff *skb, u32 offset, u32 len);
struct sk_buff *tlsconn_skb_keep(const struct sk_buff *skb);
void tlsconn_skb_let_go(struct sk_buff *skb);

/* Counters that every CPU has for itself. */
u64 __percpu *tlsconn_counters_new(unsigned int count);
void tlsconn_counters_free(u64 __percpu *counters);
void tlsconn_counters_add(u64 __percpu *counters, unsigned int which, u64 number);
void tlsconn_counters_add_pair(u64 __percpu *counters, u32 number);
u64 tlsconn_counters_sum(u64 __percpu *counters, unsigned int which);

/* A keyed hash. */
u64 tlsconn_siphash(const u8 *data, size_t len, const u64 *key);

/* Seconds since some time in the past, without leaps. */
u32 tlsconn_seconds(void);

/* Per-namespace memory; whether the initial user namespace owns it. */
bool tlsconn_net_is_privileged(const struct net *net);
void *tlsconn_net_generic(const struct net *net, unsigned int id);

/* Calls a function for each of the namespaces that go together; whether it said yes of any. */
bool tlsconn_net_any(struct list_head *going, bool (*of)(struct net *net));

/* Netlink messages. */
struct sk_buff *tlsconn_genl_new(size_t payload);
int tlsconn_genl_reply(struct sk_buff *skb, struct genl_info *info);
void tlsconn_genl_end(struct sk_buff *skb, void *header);
void tlsconn_genl_cancel(struct sk_buff *skb, void *header);
void tlsconn_genl_free(struct sk_buff *skb);
struct sk_buff *tlsconn_genl_new_atomic(size_t payload);
bool tlsconn_genl_has_listeners(const struct genl_family *family, struct net *net);
void tlsconn_genl_multicast(const struct genl_family *family, struct net *net, struct sk_buff *skb);
void tlsconn_genl_events_lost(const struct genl_family *family, struct net *net);
u64 tlsconn_now_coarse(void);
u64 tlsconn_now(void);
u64 tlsconn_uptime(void);
u64 tlsconn_uptime_coarse(void);
struct net *tlsconn_genl_net(struct genl_info *info);
struct net *tlsconn_dump_net(struct netlink_callback *cb);
const struct genl_info *tlsconn_dump_info(struct netlink_callback *cb);
void tlsconn_dump_seq(struct netlink_callback *cb, u32 *portid, u32 *seq);
void *tlsconn_nest_start(struct sk_buff *skb, int type);
void tlsconn_nest_end(struct sk_buff *skb, void *nest);
/* Has a function called for each socket of generic netlink that is closed: for one at a time. */
int tlsconn_netlink_watch(void (*closed)(struct net *net, u32 port));
void tlsconn_netlink_unwatch(void);
const void *tlsconn_nla_data(const struct nlattr *attribute);
int tlsconn_nla_len(const struct nlattr *attribute);

/* Why a rule was refused, in the kernel's log, rate-limited. */
void tlsconn_refused(const char *why);

#endif
