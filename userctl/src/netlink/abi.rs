// SPDX-License-Identifier: GPL-2.0-only

//! Numbers of linux/netlink.h and linux/genetlink.h in the width that messages have them in; libc has them as int.

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
pub(super) const NLM_F_DUMP: u16 = 0x300;
pub(super) const NLM_F_DUMP_INTR: u16 = 0x10;
/// In an error: only the header of the request is quoted.
pub(super) const NLM_F_CAPPED: u16 = 0x100;
/// In an error: attributes follow.
pub(super) const NLM_F_ACK_TLVS: u16 = 0x200;

pub(super) const NLMSG_ERROR: u16 = 2;
pub(super) const NLMSG_DONE: u16 = 3;
pub(super) const NLMSGERR_ATTR_MSG: u32 = 1;

/// The family that knows the others.
pub(super) const GENL_ID_CTRL: u16 = 0x10;
pub(super) const CTRL_VERSION: u8 = 2;
pub(super) const CTRL_CMD_GETFAMILY: u8 = 3;
pub(super) const CTRL_ATTR_FAMILY_ID: u32 = 1;
pub(super) const CTRL_ATTR_FAMILY_NAME: u32 = 2;
pub(super) const CTRL_ATTR_MCAST_GROUPS: u32 = 7;
pub(super) const CTRL_ATTR_MCAST_GRP_NAME: u32 = 1;
pub(super) const CTRL_ATTR_MCAST_GRP_ID: u32 = 2;
