// SPDX-License-Identifier: GPL-2.0-only

//! What becomes of a packet on its way through all chains that the kernel calls.

use super::{
    condition::Way,
    firewall::{Base, Hook, CONNTRACK},
    packet::{Carries, Packet},
    walk::Walk,
};

/// The priority in FORWARD at which the pass mark is there to be read, and that of the hook that shows it.
pub(super) const PASS: i64 = -5;
pub(super) const SHOWN: i64 = -6;

/// All rules that packets which are forwarded come by.
#[derive(Clone, Debug, Default)]
pub(super) struct Firewall {
    /// In the order in which the kernel calls them.
    pub(super) bases: Vec<Base>,
    /// The pass mark that is on.
    pub(super) pass_mark: Option<u32>,
    /// The bits of the connection mark that are pins'.
    pub(super) pin_bits: u32,
    /// Whether somebody's rules give connections a pin's mark.
    pub(super) marks: bool,
}

/// How rules are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// As the kernel does.
    Plain,
    /// As if no rule accepted anything and nobody but ours stopped anything: what they would hold, were they asked.
    OnlyOurs,
}

/// What may become of a packet.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    pub(super) may_pass: bool,
    pub(super) may_stop: bool,
    /// Rules that accept it, or may, on its way out.
    pub(super) accepting: Vec<String>,
    /// The first rules of which it cannot be told whether it fits.
    pub(super) untold: Vec<String>,
    /// Devices by whose flowtables it goes from now on, on every way, or on one.
    pub(super) offloaded: Vec<Vec<String>>,
}

impl Fate {
    pub(super) fn passes(&self) -> bool {
        self.may_pass && !self.may_stop
    }
}

impl Firewall {
    /// What becomes of a packet.
    pub(super) fn follow(&self, packet: &Packet<'_>, reading: Reading) -> Fate {
        let mut walk = Walk {
            packet,
            reading,
            pass_mark: self.pass_mark,
            fate: Fate::default(),
        };
        let mut ways = vec![Way {
            known: 0,
            mark: 0,
            untracked: false,
            is_early: true,
            is_bit_theirs: false,
            pin_bits: self.pin_bits,
            is_marked: self.marks,
            is_told: false,
            offloaded: Vec::new(),
        }];
        let of_packet = |base: &&Base| {
            base.is_ipv6.is_none_or(|is| is == packet.is_ipv6)
                && (!base.is_nat || packet.is_first())
        };
        for base in self.bases.iter().filter(of_packet) {
            for way in &mut ways {
                way.is_early = base.hook == Hook::Prerouting && base.priority <= CONNTRACK;
                self.show_pass_mark(base, packet, way);
            }
            ways = walk.base(base, ways);
        }
        walk.fate.may_pass = !ways.is_empty();
        walk.fate.offloaded = ways.into_iter().map(|way| way.offloaded).collect();
        walk.fate
    }

    /// Between two hooks of the module's the packet mark says what passes.
    fn show_pass_mark(&self, base: &Base, packet: &Packet<'_>, way: &mut Way) {
        let Some(bit) = self.pass_mark else { return };
        match (base.hook, base.priority) {
            (Hook::Prerouting, _) => {}
            (Hook::Forward, priority) if priority < SHOWN => {}
            (Hook::Forward, PASS) if way.is_bit_theirs => {}
            (Hook::Forward, PASS) => {
                way.known |= bit;
                way.mark &= !bit;
                let passes = match packet.carries {
                    Carries::Nothing => true,
                    Carries::Handshake => !way.untracked,
                    _ => false,
                };
                if passes {
                    way.mark |= bit;
                }
            }
            // Before or after the module's hook, which comes at the same priority; or it has its old value.
            _ => way.known &= !bit,
        }
    }
}
