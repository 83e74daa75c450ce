// SPDX-License-Identifier: GPL-2.0-only

//! Rules of nft's own, from its text: that is what findings show, and its JSON does not have it.

/// A rule that `nft -a list ruleset` shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct NftRule {
    /// Its chain as nft wants it named: family, table, chain.
    pub(super) chain: String,
    pub(super) handle: String,
    pub(super) text: String,
}

impl NftRule {
    /// Finds the rules; what is none is passed over.
    pub(super) fn parse(listed: &str) -> Vec<Self> {
        let mut table = "";
        let mut chain = None;
        let mut rules = Vec::new();
        for line in listed.lines().map(str::trim) {
            if let Some(name) = opens(line, "table ") {
                table = name;
            } else if let Some(name) = opens(line, "chain ") {
                chain = Some(format!("{table} {name}"));
            } else if line == "}" {
                chain = None;
            } else if let (Some(chain), Some((text, handle))) =
                (&chain, line.rsplit_once(" # handle "))
            {
                rules.push(Self {
                    chain: chain.clone(),
                    handle: handle.into(),
                    text: text.into(),
                });
            }
        }
        rules
    }

    /// Whether it is in the table of `rules --format nft`.
    pub(super) fn is_ours(&self) -> bool {
        self.chain.starts_with("inet tlsconn ")
    }

    /// The command that takes it out.
    pub(super) fn deletion(&self) -> String {
        format!("nft delete rule {} handle {}", self.chain, self.handle)
    }
}

/// The name in a line that opens a block.
fn opens<'a>(line: &'a str, what: &str) -> Option<&'a str> {
    let (name, _) = line.strip_prefix(what)?.split_once(" {")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\
table inet filter { # handle 3
	flowtable f {
		hook ingress priority filter
		devices = { eth0 }
	}

	chain forward { # handle 1
		type filter hook forward priority filter; policy accept;
		ct state established flow add @f # handle 5
		tcp dport { 80, 443 } comment \"web\" accept # handle 6
	}
}
table ip mangle { # handle 4
	chain prerouting {
		ct mark set 0x00000001 # handle 7
	}
}
";

    #[test]
    fn rules_with_their_handles() {
        let rules = NftRule::parse(LISTED);
        let seen: Vec<(&str, &str)> = rules
            .iter()
            .map(|rule| (rule.chain.as_str(), rule.handle.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("inet filter forward", "5"),
                ("inet filter forward", "6"),
                ("ip mangle prerouting", "7"),
            ]
        );
        assert_eq!(
            rules[1].text,
            "tcp dport { 80, 443 } comment \"web\" accept"
        );
    }
}
