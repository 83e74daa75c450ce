/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ABI of the iptables match `tlsconn`, revision 0: what iptables hands to the kernel with a rule.
 *
 * The kernel module, the iptables extension and tlsconnctl are all built from this file. A published struct never
 * changes: what does not fit into it becomes revision 1, as docs/revisions.md says.
 */
#ifndef _XT_TLSCONN_H
#define _XT_TLSCONN_H

#include <linux/types.h>

/* The conditions of a rule: bits of `match`, and of `invert` where the condition has a `!` before it. */
enum {
	XT_TLSCONN_RECORD_TYPE	 = 1 << 0,	/* types */
	XT_TLSCONN_STATE	 = 1 << 1,	/* states */
	XT_TLSCONN_PINNED	 = 1 << 2,	/* pin_mark, pin_mask */
	XT_TLSCONN_TLS_VERSION	 = 1 << 3,	/* version_min, version_max */
	XT_TLSCONN_RESUMED	 = 1 << 4,
	XT_TLSCONN_SNI		 = 1 << 5,	/* sni */
	XT_TLSCONN_NO_SNI	 = 1 << 6,
	XT_TLSCONN_ALPN		 = 1 << 7,	/* alpn */
	XT_TLSCONN_ECH		 = 1 << 8,
	XT_TLSCONN_SESSION_ID	 = 1 << 9,	/* session_id */
	XT_TLSCONN_CLIENT_RANDOM = 1 << 10,	/* client_random */
	XT_TLSCONN_SERVER_RANDOM = 1 << 11,	/* server_random */
	XT_TLSCONN_SNI_SET	 = 1 << 12,	/* sni_set */
	XT_TLSCONN_JA4		 = 1 << 13,	/* ja4 */
};

/* How XT_TLSCONN_RECORD_TYPE compares: bits of `flags`. */
enum {
	XT_TLSCONN_WIRE = 1 << 0,	/* the byte in the record header, not what the record carries */
	XT_TLSCONN_ALL	= 1 << 1,	/* every payload byte is of such a type, not any */
};

/* Types of what a packet carries: bits of `types`. The first five are the bytes 20 to 24 of a record header. */
enum {
	XT_TLSCONN_TYPE_CHANGE_CIPHER_SPEC = 1 << 0,
	XT_TLSCONN_TYPE_ALERT		   = 1 << 1,
	XT_TLSCONN_TYPE_HANDSHAKE	   = 1 << 2,
	XT_TLSCONN_TYPE_APPLICATION_DATA   = 1 << 3,
	XT_TLSCONN_TYPE_HEARTBEAT	   = 1 << 4,
	XT_TLSCONN_TYPE_UNKNOWN		   = 1 << 5,	/* bytes whose record cannot be known */
	XT_TLSCONN_TYPE_NONE		   = 1 << 6,	/* the packet has no payload */
	XT_TLSCONN_TYPE_IN_DOUBT	   = 1 << 7,	/* handshake or data; no type on the wire */
};
#define XT_TLSCONN_TYPES_ALL ((1 << 8) - 1)

/* States of a connection: bits of `states`. */
enum {
	XT_TLSCONN_STATE_NEW	     = 1 << 0,	/* Set up, no payload classified yet. */
	XT_TLSCONN_STATE_HELLO	     = 1 << 1,	/* A ClientHello has begun. */
	XT_TLSCONN_STATE_HANDSHAKE   = 1 << 2,	/* The ServerHello was seen. */
	XT_TLSCONN_STATE_ESTABLISHED = 1 << 3,	/* The handshake is complete in both directions. */
	XT_TLSCONN_STATE_CLOSED	     = 1 << 4,	/* Ended: by FIN, RST, close_notify or a fatal alert. */
	XT_TLSCONN_STATE_NOT_TLS     = 1 << 5,	/* The first bytes are not TLS. */
	XT_TLSCONN_STATE_LOST	     = 1 << 6,	/* Where records begin is not known; its reason says why. */
	XT_TLSCONN_STATE_TAINTED     = 1 << 7,	/* Bytes contradict what was seen before; its reason says why. */
};
#define XT_TLSCONN_STATES_ALL ((1 << 8) - 1)

/* The default pin mark. */
#define XT_TLSCONN_PIN_MARK 0x54000000
#define XT_TLSCONN_PIN_MASK 0xff000000

#define XT_TLSCONN_ID_MAX   32	/* bytes of a random or a session id */
#define XT_TLSCONN_NAME_MAX 255	/* bytes of an SNI pattern or an ALPN protocol */
#define XT_TLSCONN_JA4_MAX  63	/* bytes of a pattern over JA4s, which have 36 */
#define XT_TLSCONN_SET_NAME_MAX 31	/* bytes of the name of a set of server names */

/*
 * Fields of conditions that are not in `match` are zero, as are bytes after a length; everything is in host byte
 * order.
 */
struct xt_tlsconn_mtinfo {
	__u32 match;		/* conditions, all of which must hold */
	__u16 flags;
	__u16 states;		/* at least one */
	__u32 invert;		/* those of `match` that must not hold */
	__u16 types;		/* at least one */
	__u16 version_min;	/* as on the wire: 0x0300 (SSL 3) to 0x0304 (TLS 1.3) */
	__u16 version_max;
	__u8 session_id_len;	/* 1 to XT_TLSCONN_ID_MAX, a prefix */
	__u8 client_random_len;
	__u8 server_random_len;
	__u8 sni_len;		/* 1 to XT_TLSCONN_NAME_MAX */
	__u8 alpn_len;
	__u8 sni_set_len;	/* 1 to XT_TLSCONN_SET_NAME_MAX */
	__u32 pin_mark;		/* no bit outside of pin_mask */
	__u32 pin_mask;		/* not zero */
	__u8 session_id[XT_TLSCONN_ID_MAX];
	__u8 client_random[XT_TLSCONN_ID_MAX];
	__u8 server_random[XT_TLSCONN_ID_MAX];
	__u8 sni[XT_TLSCONN_NAME_MAX + 1];	/* a-z 0-9 - _ and the wildcards * ? in labels that dots separate */
	__u8 alpn[XT_TLSCONN_NAME_MAX + 1];
	__u8 sni_set[XT_TLSCONN_SET_NAME_MAX + 1];	/* letters, digits, . - _, no - first */
	__u8 ja4_len;		/* 1 to XT_TLSCONN_JA4_MAX */
	__u8 ja4[XT_TLSCONN_JA4_MAX];	/* a-z 0-9 _ and the wildcards * ? */
	/*
	 * The kernel's own, whatever user space writes there: neither shown nor compared. An extension's userspacesize ends
	 * before it.
	 */
	__u8 held[8] __attribute__((aligned(8)));
};

/*
 * Both sides assert the same layout: this file is compiled into each. The sizes hold for 32-bit user space on a 64-bit
 * kernel too, as no field is wider than 4 bytes.
 */
#define XT_TLSCONN_OFFSET_IS(field, offset) \
	_Static_assert(__builtin_offsetof(struct xt_tlsconn_mtinfo, field) == (offset), \
		       "ABI: offset of " #field)
_Static_assert(sizeof(struct xt_tlsconn_mtinfo) == 744, "ABI: size of xt_tlsconn_mtinfo");
XT_TLSCONN_OFFSET_IS(match, 0);
XT_TLSCONN_OFFSET_IS(flags, 4);
XT_TLSCONN_OFFSET_IS(states, 6);
XT_TLSCONN_OFFSET_IS(invert, 8);
XT_TLSCONN_OFFSET_IS(types, 12);
XT_TLSCONN_OFFSET_IS(version_min, 14);
XT_TLSCONN_OFFSET_IS(version_max, 16);
XT_TLSCONN_OFFSET_IS(session_id_len, 18);
XT_TLSCONN_OFFSET_IS(client_random_len, 19);
XT_TLSCONN_OFFSET_IS(server_random_len, 20);
XT_TLSCONN_OFFSET_IS(sni_len, 21);
XT_TLSCONN_OFFSET_IS(alpn_len, 22);
XT_TLSCONN_OFFSET_IS(sni_set_len, 23);
XT_TLSCONN_OFFSET_IS(pin_mark, 24);
XT_TLSCONN_OFFSET_IS(pin_mask, 28);
XT_TLSCONN_OFFSET_IS(session_id, 32);
XT_TLSCONN_OFFSET_IS(client_random, 64);
XT_TLSCONN_OFFSET_IS(server_random, 96);
XT_TLSCONN_OFFSET_IS(sni, 128);
XT_TLSCONN_OFFSET_IS(alpn, 384);
XT_TLSCONN_OFFSET_IS(sni_set, 640);
XT_TLSCONN_OFFSET_IS(ja4_len, 672);
XT_TLSCONN_OFFSET_IS(ja4, 673);
XT_TLSCONN_OFFSET_IS(held, 736);
#undef XT_TLSCONN_OFFSET_IS

#endif /* _XT_TLSCONN_H */
