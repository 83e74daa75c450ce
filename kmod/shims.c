// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <uapi/linux/netfilter/nf_conntrack_tcp.h>
#include "shims.h"

void tlsconn_spin_lock_bh(spinlock_t *lock)
{
	spin_lock_bh(lock);
}

bool tlsconn_spin_trylock_bh(spinlock_t *lock)
{
	return spin_trylock_bh(lock);
}

void tlsconn_spin_unlock_bh(spinlock_t *lock)
{
	spin_unlock_bh(lock);
}

void tlsconn_cond_resched(void)
{
	cond_resched();
}

static const struct rhashtable_params tlsconn_table_params = {
	.key_len = sizeof(struct nf_conn *),
	.key_offset = offsetof(struct tlsconn_node, ct),
	.head_offset = offsetof(struct tlsconn_node, by_ct),
	.automatic_shrinking = true,
};

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

int tlsconn_table_replace(struct rhashtable *table, struct tlsconn_node *old, struct tlsconn_node *node)
{
	return rhashtable_replace_fast(table, &old->by_ct, &node->by_ct, tlsconn_table_params);
}

int tlsconn_table_remove(struct rhashtable *table, struct tlsconn_node *node)
{
	return rhashtable_remove_fast(table, &node->by_ct, tlsconn_table_params);
}

void tlsconn_node_free_rcu(struct tlsconn_node *node)
{
	kfree_rcu(node, rcu);
}

void tlsconn_xa_init(struct xarray *xa)
{
	xa_init_flags(xa, XA_FLAGS_LOCK_BH);
}

int tlsconn_xa_insert(struct xarray *xa, unsigned long index, void *entry)
{
	return xa_insert_bh(xa, index, entry, GFP_ATOMIC);
}

void tlsconn_xa_erase(struct xarray *xa, unsigned long index)
{
	xa_erase_bh(xa, index);
}

void *tlsconn_xa_find(struct xarray *xa, unsigned long *index)
{
	return xa_find(xa, index, ULONG_MAX, XA_PRESENT);
}

void tlsconn_work_init(struct delayed_work *work, void (*run)(struct work_struct *work))
{
	INIT_DELAYED_WORK(work, run);
}

void tlsconn_work_schedule(struct delayed_work *work, unsigned int milliseconds)
{
	queue_delayed_work(system_power_efficient_wq, work, msecs_to_jiffies(milliseconds));
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

u8 tlsconn_ct_tcp_state(const struct nf_conn *ct)
{
	return READ_ONCE(ct->proto.tcp.state);
}

/* tcp_new() sets the flag on both sides of an entry whose first packet was no SYN, and only there. */
bool tlsconn_ct_picked_up(const struct nf_conn *ct)
{
	return READ_ONCE(ct->proto.tcp.seen[0].flags) & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* The sequence number behind the last octet that conntrack has accepted; packets that it ignores leave it. */
u32 tlsconn_ct_tcp_end(const struct nf_conn *ct, unsigned int direction)
{
	return READ_ONCE(ct->proto.tcp.seen[direction & 1].td_end);
}

u32 tlsconn_skb_network_offset(const struct sk_buff *skb)
{
	return skb_network_offset(skb);
}

void *tlsconn_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
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

struct net *tlsconn_genl_net(struct genl_info *info)
{
	return genl_info_net(info);
}

struct net *tlsconn_dump_net(struct netlink_callback *cb)
{
	return sock_net(cb->skb->sk);
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

MODULE_ALIAS("ipt_tlsconn");
MODULE_ALIAS("ip6t_tlsconn");
