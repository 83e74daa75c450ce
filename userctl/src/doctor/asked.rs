// SPDX-License-Identifier: GPL-2.0-only

//! Which marks rules take for a pin's, and what they do with connections that carry them.

use super::{
    host::Host,
    nft::NftRule,
    ruleset::{number, Rule, Ruleset},
};
use crate::mark::Mark;

/// A mark that a rule asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Asked {
    pub(super) mark: Mark,
    /// Whether such a connection is reset, instead of let through.
    pub(super) is_denied: bool,
}

/// Those of the match, and those in the tables of `rules --format nft`.
pub(super) fn by_rules(host: &Host) -> Vec<Asked> {
    let of_match = host
        .rulesets
        .iter()
        .flat_map(Ruleset::rules)
        .filter_map(|(_, rule)| by_match(rule));
    let of_nft = host.nft.iter().filter(|rule| rule.is_ours());
    let of_nft = of_nft.filter_map(by_nft);
    let mut all = Vec::new();
    for asked in of_match.chain(of_nft) {
        if !all.contains(&asked) {
            all.push(asked);
        }
    }
    all
}

/// None of a rule that does not ask, or lets no more than resets pass.
fn by_match(rule: &Rule) -> Option<Asked> {
    if !rule.uses("tlsconn") || !rule.says("--pinned") || rule.says("--tcp-flags") {
        return None;
    }
    let mark = rule.value("--pin-mark").map(Mark::parse);
    Some(Asked {
        mark: mark.unwrap_or_else(|| Ok(Mark::default())).ok()?,
        is_denied: matches!(rule.target(), Some("DROP" | "REJECT")),
    })
}

fn by_nft(rule: &NftRule) -> Option<Asked> {
    let words: Vec<&str> = rule.text.split(' ').collect();
    let asks = words.windows(2).position(|pair| pair == ["ct", "mark"])?;
    let (mask, value, rest) = match words.get(asks + 2..)? {
        ["&" | "and", mask, "==", value, rest @ ..] => (number(mask)?, *value, rest),
        [value, rest @ ..] => (u32::MAX, *value, rest),
        _ => return None,
    };
    let mark = Mark {
        value: number(value)?,
        mask,
    };
    match rest.first() {
        Some(&"accept") => Some(Asked {
            mark,
            is_denied: false,
        }),
        Some(&("drop" | "reject")) => Some(Asked {
            mark,
            is_denied: true,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "\
*filter
:TLSCONN - [0:0]
-A TLSCONN -p tcp -m tcp --tcp-flags RST RST -m tlsconn --pinned --pin-mark 0x57000000/0xff000000 -j RETURN
-A TLSCONN -p tcp -m tlsconn --pinned --pin-mark 0x57000000/0xff000000 -j REJECT --reject-with tcp-reset
-A TLSCONN -p tcp -m tlsconn --pinned -j RETURN
-A TLSCONN -p tcp -m tlsconn ! --pinned -j DROP
COMMIT
";
    const LISTED: &str = "\
table inet tlsconn { # handle 3
	chain held { # handle 1
		ct mark & 0xff000000 == 0x57000000 tcp flags & rst == rst accept comment \"a\" # handle 5
		meta l4proto tcp ct mark & 0xff000000 == 0x57000000 reject with tcp reset comment \"b\" # handle 6
		ct mark & 0xff000000 == 0x54000000 accept comment \"c\" # handle 7
	}
}
table inet other { # handle 4
	chain c { # handle 1
		ct mark & 0x000000ff == 0x00000001 accept # handle 5
	}
}
";

    #[test]
    fn of_both_kinds_of_rules() {
        let asked = |value, is_denied| Asked {
            mark: Mark {
                value,
                mask: 0xff00_0000,
            },
            is_denied,
        };
        let expected = [asked(0x5700_0000, true), asked(0x5400_0000, false)];
        let by_match = Host {
            rulesets: vec![Ruleset::parse("iptables-nft", SAVED)],
            ..Host::default()
        };
        assert_eq!(by_rules(&by_match), expected);
        let by_nft = Host {
            nft: NftRule::parse(LISTED),
            ..Host::default()
        };
        assert_eq!(by_rules(&by_nft), expected);
    }
}
