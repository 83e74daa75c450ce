// SPDX-License-Identifier: GPL-2.0-only

//! What iptables-save prints, as far as the checks have to understand it.

/// Jumps that are followed into each other at most; the kernel forbids loops.
const DEPTH: usize = 32;

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

/// A rule as packets come to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) chain: &'a Chain,
    pub(super) rule: &'a Rule,
    /// The rule of the first chain by which packets come here.
    pub(super) from: &'a Rule,
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

    /// The chains that the kernel itself sends packets through, outside of the raw table, which is not conntrack's.
    pub(super) fn entrances(&self) -> impl Iterator<Item = &Chain> {
        self.chains
            .iter()
            .filter(|chain| chain.policy.is_some() && chain.table != "raw")
    }

    /// The rules from a chain on, in the order in which packets come to them.
    pub(super) fn walk<'a>(&'a self, chain: &'a Chain) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        for rule in &chain.rules {
            self.walk_rule(chain, rule, rule, DEPTH, &mut steps);
        }
        steps
    }

    fn walk_rule<'a>(
        &'a self,
        chain: &'a Chain,
        rule: &'a Rule,
        from: &'a Rule,
        depth: usize,
        steps: &mut Vec<Step<'a>>,
    ) {
        steps.push(Step { chain, rule, from });
        let jumped = self
            .chains
            .iter()
            .find(|other| other.table == chain.table && Some(other.name.as_str()) == rule.target());
        if let (Some(jumped), Some(depth)) = (jumped, depth.checked_sub(1)) {
            for rule in &jumped.rules {
                self.walk_rule(jumped, rule, from, depth, steps);
            }
        }
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

    /// Whether it takes packets of connections that are established.
    pub(super) fn takes_established(&self) -> bool {
        ["--ctstate", "--state"].iter().any(|option| {
            self.says(option)
                && self
                    .value(option)
                    .is_some_and(|states| states.split(',').any(|state| state == "ESTABLISHED"))
        }) && !self.uses("tlsconn")
    }

    /// Whether it has no condition but those that are named: an option and how many words belong to it.
    pub(super) fn has_only(&self, known: &[(&str, usize)]) -> bool {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            match known.iter().find(|(option, _)| option == word) {
                Some((_, values)) => {
                    for _ in 0..*values {
                        words.next();
                    }
                }
                None => return false,
            }
        }
        true
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
    fn rules_in_the_order_of_packets() {
        let ruleset = Ruleset::parse("iptables-nft", SAVED);
        assert_eq!(ruleset.rules().count(), 6);
        let entrances: Vec<&str> = ruleset
            .entrances()
            .map(|chain| chain.name.as_str())
            .collect();
        assert_eq!(entrances, ["INPUT", "FORWARD"]);
        let forward = ruleset.entrances().nth(1).expect("there is FORWARD");
        assert_eq!(forward.policy.as_deref(), Some("DROP"));
        let steps: Vec<(String, usize, usize)> = ruleset
            .walk(forward)
            .iter()
            .map(|step| (step.chain.name.clone(), step.rule.place, step.from.place))
            .collect();
        assert_eq!(
            steps,
            [
                ("FORWARD".into(), 1, 1),
                ("zone".into(), 1, 1),
                ("zone".into(), 2, 1),
                ("zone".into(), 3, 1),
                ("FORWARD".into(), 2, 2),
            ]
        );
    }

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
        assert!(rules[2].takes_established() && !rules[5].takes_established());
        assert!(rules[2].may_be("tcp") && !rules[2].may_be("udp"));
        assert!(rules[3].uses("tlsconn") && !rules[3].uses("state"));
        assert!(rules[0].may_be("udp") && !rules[0].may_be("tcp"));
        assert!(rules[3].has_only(&[("-p", 1), ("-m", 1), ("--pinned", 0), ("-j", 1)]));
        assert!(!rules[3].has_only(&[("-p", 1), ("-m", 1), ("-j", 1)]));
    }

    #[test]
    fn rules_that_jump_in_a_circle_end() {
        let circle =
            "*filter\n:FORWARD ACCEPT [0:0]\n:a - [0:0]\n-A FORWARD -j a\n-A a -j a\nCOMMIT\n";
        let ruleset = Ruleset::parse("iptables-nft", circle);
        let forward = ruleset.entrances().next().expect("there is FORWARD");
        assert!(ruleset.walk(forward).len() < 100);
    }
}
