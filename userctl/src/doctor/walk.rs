// SPDX-License-Identifier: GPL-2.0-only

//! A packet's ways through the rules: all that it may take, where a condition cannot be told.

use super::{
    condition::{fits, goes_on, Way},
    firewall::{Action, Base, Chain, Condition, Hook, Rule, Step},
    follow::{Fate, Reading, PASS, SHOWN},
    packet::Packet,
    tri::Tri,
};

/// Jumps that are followed into each other at most; the kernel forbids loops.
const DEPTH: usize = 32;
/// Ways of a packet that are followed at once.
const WAYS: usize = 64;

/// A packet, and what has become of it so far.
pub(super) struct Walk<'a> {
    pub(super) packet: &'a Packet<'a>,
    pub(super) reading: Reading,
    pub(super) pass_mark: Option<u32>,
    pub(super) fate: Fate,
}

/// Where a packet is after a chain or rule: it goes on, goes back, or has been accepted by the chain that the kernel calls.
#[derive(Default)]
struct After {
    on: Vec<Way>,
    back: Vec<Way>,
    accepted: Vec<Way>,
}

fn add(ways: &mut Vec<Way>, more: impl IntoIterator<Item = Way>) {
    for way in more {
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
}

impl Walk<'_> {
    /// The ways that are left after a chain that the kernel calls.
    pub(super) fn base(&mut self, base: &Base, ways: Vec<Way>) -> Vec<Way> {
        let Some(chain) = base.chains.get(base.first) else {
            return ways;
        };
        let mut after = self.chain(base, chain, ways, DEPTH);
        let mut left = std::mem::take(&mut after.accepted);
        let ended = after.on.into_iter().chain(after.back);
        if base.accepts || self.reading == Reading::OnlyOurs {
            add(&mut left, ended);
        } else if ended.count() > 0 {
            self.fate.may_stop = true;
        }
        left
    }

    fn chain(&mut self, base: &Base, chain: &Chain, ways: Vec<Way>, depth: usize) -> After {
        let mut after = After {
            on: ways,
            ..After::default()
        };
        for rule in &chain.rules {
            if after.on.is_empty() {
                break;
            }
            let ways = std::mem::take(&mut after.on);
            for way in ways {
                let of_rule = self.rule(base, rule, way, depth);
                add(&mut after.on, of_rule.on);
                add(&mut after.back, of_rule.back);
                add(&mut after.accepted, of_rule.accepted);
            }
            if after.on.len() > WAYS {
                // Too many to follow: anything may become of it.
                self.fate.may_stop = true;
                note(&mut self.fate.untold, &rule.name);
                after.accepted.append(&mut after.on);
                after.accepted.truncate(1);
            }
        }
        after
    }

    fn rule(&mut self, base: &Base, rule: &Rule, way: Way, depth: usize) -> After {
        let mut after = After::default();
        let mut own = way.clone();
        let mut is_sure = true;
        for step in &rule.steps {
            match step {
                Step::If(condition, not) => {
                    match goes_on(condition, *not, self.packet, &own) {
                        Tri::No => {
                            // What it has changed before stays.
                            own.is_told = way.is_told;
                            add(&mut after.on, [own]);
                            return after;
                        }
                        Tri::Unknown => {
                            is_sure = false;
                            let not_so = Way {
                                is_told: way.is_told,
                                ..own.clone()
                            };
                            add(&mut after.on, [not_so]);
                        }
                        Tri::Yes => {}
                    }
                    own.is_told |= self.tells(condition, base);
                }
                Step::Do(action) => match self.act(base, rule, action, own, depth) {
                    (acted, None) => {
                        self.join(&mut after, acted, &way, rule, is_sure);
                        return after;
                    }
                    (_, Some(on)) => own = on,
                },
                Step::Choose(choices) => {
                    for (condition, action) in choices {
                        let fit = fits(condition, self.packet, &own);
                        if fit == Tri::No {
                            continue;
                        }
                        let is_sure = is_sure && fit == Tri::Yes;
                        let (mut acted, on) = self.act(base, rule, action, own.clone(), depth);
                        acted.on.extend(on);
                        self.join(&mut after, acted, &way, rule, is_sure);
                        if fit == Tri::Yes {
                            return after;
                        }
                    }
                }
            }
        }
        own.is_told = way.is_told;
        add(&mut after.on, [own]);
        after
    }

    /// Takes over what a verdict came to.
    fn join(&mut self, after: &mut After, acted: After, before: &Way, rule: &Rule, is_sure: bool) {
        let told = |mut way: Way| {
            way.is_told = before.is_told;
            way
        };
        let changes = !acted.accepted.is_empty() || !acted.back.is_empty() || acted.on.is_empty();
        if !is_sure && changes {
            note(&mut self.fate.untold, &rule.name);
        }
        add(&mut after.on, acted.on.into_iter().map(told));
        add(&mut after.back, acted.back.into_iter().map(told));
        add(&mut after.accepted, acted.accepted.into_iter().map(told));
    }

    /// What a verdict or statement does: where it comes to an end, or the way on within the rule.
    fn act(
        &mut self,
        base: &Base,
        rule: &Rule,
        action: &Action,
        mut way: Way,
        depth: usize,
    ) -> (After, Option<Way>) {
        let mut after = After::default();
        let is_plain = self.reading == Reading::Plain;
        match action {
            Action::Accept if is_plain => {
                if base.hook == Hook::Forward {
                    note(&mut self.fate.accepting, &rule.name);
                }
                after.accepted.push(way);
            }
            Action::Stop if is_plain || way.is_told => {
                self.fate.may_stop = true;
            }
            Action::Accept | Action::Stop => after.on.push(way),
            Action::Return => after.back.push(way),
            Action::Jump(name) | Action::Goto(name) => {
                let chain = base.chains.iter().find(|chain| chain.name == *name);
                let inner = match (chain, depth.checked_sub(1)) {
                    (Some(chain), Some(depth)) => self.chain(base, chain, vec![way], depth),
                    // There is no such chain, or it is too deep: the kernel would not have it.
                    _ => After {
                        on: vec![way],
                        ..After::default()
                    },
                };
                after.accepted = inner.accepted;
                let back = inner.on.into_iter().chain(inner.back);
                match action {
                    Action::Goto(_) => after.back.extend(back),
                    _ => after.on.extend(back),
                }
            }
            Action::SetMark(set) => {
                // (mark & kept) ^ turned: what is not kept is known.
                let (kept, turned) = set.unwrap_or((0, 0));
                way.mark = (way.mark & kept) ^ turned;
                way.known = match set {
                    Some(_) => way.known | !kept,
                    None => 0,
                };
                let is_shown = base.hook == Hook::Forward && [SHOWN, PASS].contains(&base.priority);
                let bit = self.pass_mark.unwrap_or(0);
                if is_shown && (!kept | turned) & bit != 0 {
                    way.is_bit_theirs = true;
                    // Before or after the module's own.
                    if base.priority == SHOWN {
                        way.known &= !bit;
                    }
                }
                return (after, Some(way));
            }
            Action::NoTrack => {
                way.untracked |= way.is_early;
                return (after, Some(way));
            }
            Action::Offload(devices) => {
                way.offloaded.clone_from(devices);
                return (after, Some(way));
            }
            Action::Untold => {
                note(&mut self.fate.untold, &rule.name);
                self.fate.may_stop = true;
                after.on.push(way.clone());
                after.accepted.push(way);
            }
        }
        (after, None)
    }

    /// Whether who fits this is known to be what our rules hold.
    fn tells(&self, condition: &Condition, base: &Base) -> bool {
        match condition {
            Condition::Tls(_) => true,
            Condition::Mark(_, mask) => self.pass_mark == Some(*mask) && base.priority == PASS,
            _ => false,
        }
    }
}

/// The first few of them, each once.
fn note(names: &mut Vec<String>, name: &str) {
    if names.len() < 4 && !names.iter().any(|noted| noted == name) {
        names.push(name.into());
    }
}
