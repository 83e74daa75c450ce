// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hardirq.h>
#include <linux/hash.h>
#include <linux/local_lock.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/rhashtable.h>
#include <linux/sched/mm.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/user_namespace.h>
#include <net/dst.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <uapi/linux/netfilter/nf_conntrack_tcp.h>
#include "helpers.h"

void tlsconn_spin_lock_bh(spinlock_t *lock)
{
	spin_lock_bh(lock);
}

bool tlsconn_packet_lock(spinlock_t *lock)
{
	if (in_softirq()) {
		spin_lock(lock);
		return false;
	}
	spin_lock_bh(lock);
	return true;
}

bool tlsconn_spin_trylock_bh(spinlock_t *lock)
{
	return spin_trylock_bh(lock);
}

void tlsconn_spin_unlock_bh(spinlock_t *lock)
{
	spin_unlock_bh(lock);
}

void tlsconn_packet_unlock(spinlock_t *lock, bool softirqs)
{
	if (softirqs)
		spin_unlock_bh(lock);
	else
		spin_unlock(lock);
}

void tlsconn_cond_resched(void)
{
	cond_resched();
}

void tlsconn_synchronize_rcu(void)
{
	synchronize_rcu_expedited();
}

DEFINE_PER_CPU_ALIGNED(u64[2], tlsconn_packet_cache);

u64 tlsconn_packet_cache_read(unsigned int word)
{
	return this_cpu_read(tlsconn_packet_cache[word]);
}

void tlsconn_packet_cache_write(unsigned int word, u64 value)
{
	this_cpu_write(tlsconn_packet_cache[word], value);
}

struct kmem_cache *tlsconn_cache_new(const char *name, unsigned int size, unsigned int align,
				     void (*constructor)(void *object))
{
	return kmem_cache_create(name, size, align, 0, constructor);
}

void *tlsconn_cache_alloc(struct kmem_cache *cache)
{
	return kmem_cache_alloc(cache, GFP_NOWAIT | __GFP_ACCOUNT);
}

struct mem_cgroup *tlsconn_memcg_of_caller(void)
{
	return get_mem_cgroup_from_mm(current->mm);
}

void tlsconn_memcg_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}

/*
 * In softirqs the active cgroup is the processor's, not the task's. With PREEMPT_RT one softirq comes in between another's on the
 * same processor: without this lock of the processor's, whoever ends first would leave the other one's cgroup active for good.
 */
static DEFINE_PER_CPU(local_lock_t, tlsconn_memcg_lock) = INIT_LOCAL_LOCK(tlsconn_memcg_lock);

struct mem_cgroup *tlsconn_memcg_begin(struct mem_cgroup *memcg)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !in_task())
		local_lock_nested_bh(&tlsconn_memcg_lock);
	return set_active_memcg(memcg);
}

void tlsconn_memcg_end(struct mem_cgroup *before)
{
	set_active_memcg(before);
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !in_task())
		local_unlock_nested_bh(&tlsconn_memcg_lock);
}

/*
 * Nobody outside chooses the key, which is an address: a multiplication is enough. By a number of 32 bits it is one
 * instruction on x86-64. In a model of full tables over slabs of entries of 256, 320 and 448 bytes its longest chain was
 * 13 (with 64 bits 9); rhashtable refuses from 16 on.
 */
static_assert(TLSCONN_TABLE_HASH == GOLDEN_RATIO_32);
static __always_inline u32 tlsconn_table_hash(const void *key, u32 len, u32 seed)
{
	return ((*(const u64 *)key + seed) * (u64)TLSCONN_TABLE_HASH) >> 32;
}

static __always_inline int tlsconn_table_differs(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct tlsconn_node *node = object;

	return node->ct != *(struct nf_conn *const *)arg->key;
}

static const struct rhashtable_params tlsconn_table_params = {
	.key_len = sizeof(struct nf_conn *),
	.hashfn = tlsconn_table_hash,
	.obj_cmpfn = tlsconn_table_differs,
	.key_offset = offsetof(struct tlsconn_node, ct),
	.head_offset = offsetof(struct tlsconn_node, by_ct),
	.automatic_shrinking = true,
};

/* kmod/sys/table.rs looks into the first node of a bucket itself. */
static_assert(offsetof(struct rhashtable, tbl) == 0 && offsetof(struct tlsconn_node, by_ct) == 0);

int tlsconn_table_init(struct rhashtable *table)
{
	return rhashtable_init(table, &tlsconn_table_params);
}

void tlsconn_table_destroy(struct rhashtable *table)
{
	rhashtable_destroy(table);
}

struct tlsconn_node *tlsconn_table_find(struct rhashtable *table, const struct nf_conn *ct)
{
	return rhashtable_lookup(table, &ct, tlsconn_table_params);
}

struct tlsconn_node *tlsconn_table_insert(struct rhashtable *table, struct tlsconn_node *node)
{
	return rhashtable_lookup_get_insert_fast(table, &node->by_ct, tlsconn_table_params);
}

int tlsconn_table_remove(struct rhashtable *table, struct tlsconn_node *node)
{
	return rhashtable_remove_fast(table, &node->by_ct, tlsconn_table_params);
}

/* What kfree_rcu() comes to, whose macro wants the head in the same struct. */
void tlsconn_node_free_rcu(struct tlsconn_node *node, struct rcu_head *rcu)
{
	kvfree_call_rcu((void *)rcu, node);
}

/* The key is a hash of its own, keyed with a secret. */
static u32 tlsconn_sessions_hash(const void *key, u32 len, u32 seed)
{
	return *(const u64 *)key ^ seed;
}

static const struct rhashtable_params tlsconn_sessions_params = {
	.key_len = sizeof(u64),
	.hashfn = tlsconn_sessions_hash,
	.key_offset = offsetof(struct tlsconn_session, digest),
	.head_offset = offsetof(struct tlsconn_session, by_digest),
	.automatic_shrinking = true,
};

int tlsconn_sessions_init(struct rhashtable *table)
{
	return rhashtable_init(table, &tlsconn_sessions_params);
}

void tlsconn_sessions_destroy(struct rhashtable *table)
{
	rhashtable_destroy(table);
}

struct tlsconn_session *tlsconn_sessions_find(struct rhashtable *table, u64 digest)
{
	return rhashtable_lookup(table, &digest, tlsconn_sessions_params);
}

struct tlsconn_session *tlsconn_sessions_insert(struct rhashtable *table, struct tlsconn_session *session)
{
	return rhashtable_lookup_get_insert_fast(table, &session->by_digest, tlsconn_sessions_params);
}

int tlsconn_sessions_replace(struct rhashtable *table, struct tlsconn_session *old, struct tlsconn_session *session)
{
	return rhashtable_replace_fast(table, &old->by_digest, &session->by_digest, tlsconn_sessions_params);
}

int tlsconn_sessions_remove(struct rhashtable *table, struct tlsconn_session *session)
{
	return rhashtable_remove_fast(table, &session->by_digest, tlsconn_sessions_params);
}

void tlsconn_sessions_free_rcu(struct tlsconn_sessions *sessions)
{
	kfree_rcu(sessions, rcu);
}

void tlsconn_xa_init(struct xarray *xa)
{
	xa_init_flags(xa, XA_FLAGS_LOCK_BH | XA_FLAGS_ACCOUNT);
}

int tlsconn_xa_insert(struct xarray *xa, unsigned long index, void *entry)
{
	return xa_insert_bh(xa, index, entry, GFP_NOWAIT);
}

void tlsconn_xa_erase(struct xarray *xa, unsigned long index)
{
	xa_erase_bh(xa, index);
}

void *tlsconn_xa_find(struct xarray *xa, unsigned long *index)
{
	return xa_find(xa, index, ULONG_MAX, XA_PRESENT);
}

void *tlsconn_xa_find_marked(struct xarray *xa, unsigned long *index, unsigned int mark)
{
	return xa_find(xa, index, ULONG_MAX, (__force xa_mark_t)mark);
}

void tlsconn_xa_set_mark(struct xarray *xa, unsigned long index, unsigned int mark)
{
	xa_lock_bh(xa);
	__xa_set_mark(xa, index, (__force xa_mark_t)mark);
	xa_unlock_bh(xa);
}

void tlsconn_xa_clear_mark(struct xarray *xa, unsigned long index, unsigned int mark)
{
	xa_lock_bh(xa);
	__xa_clear_mark(xa, index, (__force xa_mark_t)mark);
	xa_unlock_bh(xa);
}

void **tlsconn_xa_leaf(struct xarray *xa, unsigned long *index, unsigned int *count)
{
	XA_STATE(xas, xa, *index);
	void *entry;

	do
		entry = xas_find(&xas, ULONG_MAX);
	while (xas_retry(&xas, entry));
	if (!entry || !xas.xa_node)
		return NULL;
	*index = xas.xa_index;
	*count = XA_CHUNK_SIZE - xas.xa_offset;
	return (__force void **)&xas.xa_node->slots[xas.xa_offset];
}

void tlsconn_work_init(struct delayed_work *work, void (*run)(struct work_struct *work))
{
	INIT_DELAYED_WORK(work, run);
}

void tlsconn_work_schedule(struct delayed_work *work, unsigned int milliseconds)
{
	queue_delayed_work(system_power_efficient_wq, work, msecs_to_jiffies(milliseconds));
}

/* Not later than it is due already. */
void tlsconn_work_hasten(struct delayed_work *work, unsigned int milliseconds)
{
	unsigned long delay = msecs_to_jiffies(milliseconds) + 1;

	if (delayed_work_pending(work) && time_before(READ_ONCE(work->timer.expires), jiffies + delay))
		return;
	mod_delayed_work(system_power_efficient_wq, work, delay);
}

void tlsconn_work_cancel(struct delayed_work *work)
{
	disable_delayed_work_sync(work);
}

struct delayed_work *tlsconn_work_of(struct work_struct *work)
{
	return to_delayed_work(work);
}

void tlsconn_ct_hold(struct nf_conn *ct)
{
	nf_conntrack_get(&ct->ct_general);
}

/* For whoever found it without holding it; what is read of it then is read later. */
bool tlsconn_ct_try_hold(struct nf_conn *ct)
{
	if (!refcount_inc_not_zero(&ct->ct_general.use))
		return false;
	smp_acquire__after_ctrl_dep();
	return true;
}

void tlsconn_ct_put(struct nf_conn *ct)
{
	nf_ct_put(ct);
}

void tlsconn_ct_mark_changed(struct nf_conn *ct)
{
	nf_conntrack_event_cache(IPCT_MARK, ct);
}

void tlsconn_ct_deliver_events(struct nf_conn *ct)
{
	nf_ct_deliver_cached_events(ct);
}

/* Confirmed, and its time is over: conntrack's next look at it takes it out. */
bool tlsconn_ct_is_over(const struct nf_conn *ct)
{
	return nf_ct_should_gc(ct);
}

struct net *tlsconn_ct_net(const struct nf_conn *ct)
{
	return nf_ct_net(ct);
}

struct nf_conn *tlsconn_ct_of(const struct nf_conntrack_tuple_hash *hash)
{
	return nf_ct_tuplehash_to_ctrack(hash);
}

/* nf_conntrack_get_ht(), whose sequence count is not exported: the table is replaced under all of the locks. */
void tlsconn_ct_table(struct hlist_nulls_head **first, unsigned int *size)
{
	local_bh_disable();
	nf_conntrack_lock(&nf_conntrack_locks[0]);
	*first = nf_conntrack_hash;
	*size = nf_conntrack_htable_size;
	spin_unlock(&nf_conntrack_locks[0]);
	local_bh_enable();
}

u8 tlsconn_ct_tcp_state(const struct nf_conn *ct)
{
	return READ_ONCE(ct->proto.tcp.state);
}

u16 tlsconn_ct_zone(const struct nf_conn *ct)
{
	return nf_ct_zone(ct)->id;
}

unsigned int tlsconn_ct_count(const struct net *net)
{
	return nf_conntrack_count(net);
}

unsigned int tlsconn_ct_max(void)
{
	return READ_ONCE(nf_conntrack_max);
}

/* tcp_new() sets the flag on both sides of an entry whose first packet was no SYN, and only there. */
bool tlsconn_ct_picked_up(const struct nf_conn *ct)
{
	return READ_ONCE(ct->proto.tcp.seen[0].flags) & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* The sequence number after the last byte that conntrack has accepted; packets that it ignores leave it. */
u32 tlsconn_ct_tcp_end(const struct nf_conn *ct, unsigned int direction)
{
	return READ_ONCE(ct->proto.tcp.seen[direction & 1].td_end);
}

struct sk_buff *tlsconn_skb_keep(const struct sk_buff *skb)
{
	struct sk_buff *clone = skb_clone((struct sk_buff *)skb, GFP_ATOMIC);

	if (clone) {
		nf_reset_ct(clone);
		skb_dst_drop(clone);
		skb_ext_reset(clone);
	}
	return clone;
}

void tlsconn_skb_let_go(struct sk_buff *skb)
{
	consume_skb(skb);
}

/* Where skb_copy_bits() would copy from: a call of that costs more than a rule. */
const u8 *tlsconn_skb_in_page(const struct sk_buff *skb, u32 offset, u32 len)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	const skb_frag_t *frag = info->frags;
	const skb_frag_t *end = frag + info->nr_frags;

	if (offset < skb_headlen(skb))
		return NULL;
	for (offset -= skb_headlen(skb); frag < end; frag++) {
		if (offset < skb_frag_size(frag)) {
			const u8 *start = skb_frag_address_safe(frag);

			return start && len <= skb_frag_size(frag) - offset ? start + offset : NULL;
		}
		offset -= skb_frag_size(frag);
	}
	return NULL;
}

u64 __percpu *tlsconn_counters_new(unsigned int count)
{
	return __alloc_percpu_gfp(count * sizeof(u64), __alignof__(u64), GFP_KERNEL_ACCOUNT);
}

void tlsconn_counters_free(u64 __percpu *counters)
{
	free_percpu(counters);
}

void tlsconn_counters_add(u64 __percpu *counters, unsigned int which, u64 number)
{
	this_cpu_add(counters[which], number);
}

/* 1 to the first and a number to the second. */
void tlsconn_counters_add_pair(u64 __percpu *counters, u32 number)
{
	this_cpu_inc(counters[0]);
	this_cpu_add(counters[1], number);
}

u64 tlsconn_counters_sum(u64 __percpu *counters, unsigned int which)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(&counters[which], cpu));
	return sum;
}

u64 tlsconn_siphash(const u8 *data, size_t len, const u64 *key)
{
	return siphash(data, len, (const siphash_key_t *)key);
}

u32 tlsconn_seconds(void)
{
	return ktime_get_seconds();
}

void *tlsconn_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

bool tlsconn_net_any(struct list_head *going, bool (*of)(struct net *net))
{
	struct net *net;
	bool any = false;

	list_for_each_entry(net, going, exit_list) {
		any |= of(net);
		cond_resched();
	}
	return any;
}

/* kmod/sys/pass_mark.rs keeps something in the last byte of a packet's control block at hooks of IP. */
static_assert(sizeof(struct inet_skb_parm) < sizeof_field(struct sk_buff, cb) &&
	      sizeof(struct inet6_skb_parm) < sizeof_field(struct sk_buff, cb));

bool tlsconn_net_is_privileged(const struct net *net)
{
	return net->user_ns == &init_user_ns;
}

struct sk_buff *tlsconn_genl_new(size_t payload)
{
	return genlmsg_new(payload, GFP_KERNEL);
}

int tlsconn_genl_reply(struct sk_buff *skb, struct genl_info *info)
{
	return genlmsg_reply(skb, info);
}

void tlsconn_genl_end(struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
}

void tlsconn_genl_cancel(struct sk_buff *skb, void *header)
{
	genlmsg_cancel(skb, header);
}

void tlsconn_genl_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

struct sk_buff *tlsconn_genl_new_atomic(size_t payload)
{
	return genlmsg_new(payload, GFP_ATOMIC);
}

bool tlsconn_genl_has_listeners(const struct genl_family *family, struct net *net)
{
	return genl_has_listeners(family, net, 0);
}

void tlsconn_genl_multicast(const struct genl_family *family, struct net *net, struct sk_buff *skb)
{
	/* Listeners without room have ENOBUFS on their sockets then. */
	genlmsg_multicast_netns(family, net, skb, 0, 0, GFP_ATOMIC);
}

void tlsconn_genl_events_lost(const struct genl_family *family, struct net *net)
{
	genl_set_err(family, net, 0, 0, -ENOBUFS);
}

u64 tlsconn_uptime(void)
{
	return ktime_get_ns();
}

u64 tlsconn_uptime_coarse(void)
{
	return ktime_get_coarse_ns();
}

u64 tlsconn_now_coarse(void)
{
	return ktime_get_coarse_real_ns();
}

u64 tlsconn_now(void)
{
	return ktime_get_real_ns();
}

struct net *tlsconn_genl_net(struct genl_info *info)
{
	return genl_info_net(info);
}

struct net *tlsconn_dump_net(struct netlink_callback *cb)
{
	return sock_net(cb->skb->sk);
}

const struct genl_info *tlsconn_dump_info(struct netlink_callback *cb)
{
	return genl_info_dump(cb);
}

void tlsconn_dump_seq(struct netlink_callback *cb, u32 *portid, u32 *seq)
{
	*portid = NETLINK_CB(cb->skb).portid;
	*seq = cb->nlh->nlmsg_seq;
}

void *tlsconn_nest_start(struct sk_buff *skb, int type)
{
	return nla_nest_start(skb, type);
}

void tlsconn_nest_end(struct sk_buff *skb, void *nest)
{
	nla_nest_end(skb, nest);
}

static void (*tlsconn_netlink_closed)(struct net *net, u32 port);

static int tlsconn_netlink_event(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		tlsconn_netlink_closed(notify->net, notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block tlsconn_netlink_block = { .notifier_call = tlsconn_netlink_event };

int tlsconn_netlink_watch(void (*closed)(struct net *net, u32 port))
{
	tlsconn_netlink_closed = closed;
	return netlink_register_notifier(&tlsconn_netlink_block);
}

void tlsconn_netlink_unwatch(void)
{
	netlink_unregister_notifier(&tlsconn_netlink_block);
}

const void *tlsconn_nla_data(const struct nlattr *attribute)
{
	return nla_data(attribute);
}

int tlsconn_nla_len(const struct nlattr *attribute)
{
	return nla_len(attribute);
}

void tlsconn_refused(const char *why)
{
	pr_info_ratelimited("xt_tlsconn: %s\n", why);
}

MODULE_VERSION(TLSCONN_VERSION);
MODULE_ALIAS("ipt_tlsconn");
MODULE_ALIAS("ip6t_tlsconn");
