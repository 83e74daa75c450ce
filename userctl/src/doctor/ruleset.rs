// SPDX-License-Identifier: GPL-2.0-only

//! What iptables-save prints, as far as the checks have to understand it.

/// The rules of one of iptables' variants.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    /// The command that changes them, such as `ip6tables-nft`.
    pub(super) command: &'static str,
    chains: Vec<Chain>,
}

/// A chain of a table.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) table: String,
    pub(super) name: String,
    /// The verdict at its end; none of a chain that somebody made.
    pub(super) policy: Option<String>,
    pub(super) rules: Vec<Rule>,
}

/// A rule of a chain.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its number in the chain, from 1.
    pub(super) place: usize,
    /// What stands after `-A CHAIN`, fit for a shell.
    pub(super) text: String,
    words: Vec<String>,
}

impl Ruleset {
    /// Reads what `COMMAND-save` printed; lines of any other form are passed over.
    pub(super) fn parse(command: &'static str, text: &str) -> Self {
        let mut ruleset = Self {
            command,
            chains: Vec::new(),
        };
        let mut table = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(declared) = line.strip_prefix(':') {
                let mut words = declared.split(' ');
                ruleset.chains.push(Chain {
                    table: table.into(),
                    name: words.next().unwrap_or_default().into(),
                    policy: words.next().filter(|word| *word != "-").map(String::from),
                    rules: Vec::new(),
                });
            } else if let Some(rule) = line.strip_prefix("-A ") {
                let (name, text) = rule.split_once(' ').unwrap_or((rule, ""));
                if let Some(chain) = ruleset
                    .chains
                    .iter_mut()
                    .find(|chain| chain.table == table && chain.name == name)
                {
                    chain.rules.push(Rule {
                        place: chain.rules.len() + 1,
                        text: text.into(),
                        words: words(text),
                    });
                }
            }
        }
        ruleset
    }

    /// Every rule, with its chain.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&Chain, &Rule)> {
        self.chains
            .iter()
            .flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)))
    }

    /// Whether anybody has put a rule in.
    pub(super) fn is_empty(&self) -> bool {
        self.rules().next().is_none()
    }

    /// Whether it is IPv6's.
    pub(super) fn is_ipv6(&self) -> bool {
        self.command.starts_with("ip6")
    }

    /// Whether a chain of nft's, named as nft wants it, is one of these: nft shows those of iptables-nft too.
    pub(super) fn has_nft_chain(&self, chain: &str) -> bool {
        let family = if self.is_ipv6() { "ip6" } else { "ip" };
        let name = |chain: &Chain| format!("{family} {} {}", chain.table, chain.name);
        self.command.ends_with("-nft") && self.chains.iter().any(|own| name(own) == chain)
    }

    /// A table's chains.
    pub(super) fn chains_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Chain> {
        self.chains.iter().filter(move |chain| chain.table == table)
    }
}

impl Chain {
    /// The words that name it to iptables: `-t TABLE` where it is not the filter table.
    pub(super) fn table_option(&self) -> String {
        match self.table.as_str() {
            "filter" => String::new(),
            table => format!(" -t {table}"),
        }
    }
}

impl Rule {
    /// What stands after `-A CHAIN`, word by word.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Its verdict, or the chain that it jumps to.
    pub(super) fn target(&self) -> Option<&str> {
        self.value("-j").or_else(|| self.value("-g"))
    }

    /// The word after an option.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        let place = self.words.iter().position(|word| word == option)?;
        self.words.get(place + 1).map(String::as_str)
    }

    /// Whether an option stands there, with no `!` before it.
    pub(super) fn says(&self, option: &str) -> bool {
        let place = self.words.iter().position(|word| word == option);
        place.is_some_and(|place| {
            place
                .checked_sub(1)
                .is_none_or(|before| self.words.get(before).is_none_or(|word| word != "!"))
        })
    }

    /// Whether it uses a match.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.words
            .windows(2)
            .any(|pair| pair[0] == "-m" && pair[1] == name)
    }

    /// Whether packets of a protocol may fit.
    pub(super) fn may_be(&self, protocol: &str) -> bool {
        match self.value("-p") {
            None | Some("all") => true,
            Some(other) => (other == protocol) == self.says("-p"),
        }
    }
}

/// A number as iptables and nft print it.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Takes a rule's text apart; iptables puts words with spaces into double quotes, with backslashes inside.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => word.get_or_insert_default().extend(characters.next()),
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "\
# Generated by iptables-save
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j CT --notrack
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [3:180]
:zone - [0:0]
:empty - [0:0]
-A FORWARD -m comment --comment \"a \\\"b\\\" c\" -j zone
-A FORWARD ! -p udp -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A zone -p tcp -m tlsconn --pinned -j RETURN
-A zone -j empty
-A zone -m state ! --state ESTABLISHED -j DROP
COMMIT
";

    #[test]
    fn chains_that_nft_shows_too() {
        let nft = Ruleset::parse("ip6tables-nft", SAVED);
        assert!(nft.has_nft_chain("ip6 filter zone"));
        assert!(!nft.has_nft_chain("ip filter zone") && !nft.has_nft_chain("ip6 mangle zone"));
        assert!(!Ruleset::parse("iptables-legacy", SAVED).has_nft_chain("ip filter zone"));
    }

    #[test]
    fn a_rule_s_words() {
        let ruleset = Ruleset::parse("iptables-nft", SAVED);
        let rules: Vec<&Rule> = ruleset.rules().map(|(_, rule)| rule).collect();
        assert_eq!(rules[1].value("--comment"), Some("a \"b\" c"));
        assert!(rules[2].may_be("tcp") && !rules[2].may_be("udp"));
        assert!(rules[3].uses("tlsconn") && !rules[3].uses("state"));
        assert!(rules[0].may_be("udp") && !rules[0].may_be("tcp"));
    }
}
