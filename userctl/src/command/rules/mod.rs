// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl rules`: a ruleset that holds what is not pinned.

mod chain;
pub(super) mod guard;
mod held;
mod iptables;
mod nft;
mod pins;
mod run;
#[cfg(test)]
mod tests;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    chain::Chain,
    held::Held,
    iptables::{Chains, Jump},
    pins::{Names, Pinned},
    run::run,
};
use crate::{
    failure::{Code, Failure},
    netlink::Tlsconn,
    output::Output,
};

/// Print a ruleset that holds the data of every connection that is not pinned, or load it
///
/// For iptables it makes a chain, and a jump to that chain before the other rules. For nft it makes a table. It touches nothing else.
///
/// The rules hold application data, heartbeats, and what cannot be told. Handshakes go on to the other rules, and so does everything of a
/// pinned connection. Records that may be handshake or data pass too, within bounds, so that every handshake completes. With
/// --strict they are held, and handshakes with client certificates wait for their pin. Then no data passes, unless both ends want to get
/// around it, or a server sends half-RTT data (docs/tls.md).
///
/// --load loads the rules, for IPv4 and IPv6, and --unload removes them. You can repeat either. Or load the text as its first line
/// says: `tlsconnctl rules | iptables-restore --noflush`, and the same for ip6tables-restore. Print it again before you load it again.
#[derive(Args, Debug)]
pub(crate) struct Rules {
    /// Make rules for iptables, with the match tlsconn, or for nft alone, with the pass mark of `tlsconnctl track on --pass-mark`
    #[arg(long, value_enum, default_value_t = Format::Iptables)]
    format: Format,
    /// Load the rules, instead of printing them
    #[arg(long, conflicts_with = "unload")]
    load: bool,
    /// Remove the rules, if they are there
    #[arg(long)]
    unload: bool,
    /// Name of the chain to make; a chain that exists already is emptied. Or FORWARD, INPUT or OUTPUT: the chain that jumps to
    /// it, or the hook of the nft table [default: TLSCONN, from FORWARD]
    #[arg(long, value_name = "CHAIN")]
    chain: Option<Chain>,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    held: Held,
}

/// What a ruleset is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    Iptables,
    Nft,
}

/// What `rules` prints as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    /// The command that loads it.
    load: &'a str,
    ruleset: &'a str,
}

/// What `rules --load` and `rules --unload` print as JSON: the tools that have the rules now, or no longer.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Done<'a> {
    Loaded(&'a [&'a str]),
    Unloaded(&'a [&'a str]),
}

impl Rules {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        let is_ipv6 = self.held.is_ipv6()?;
        // What takes rules away needs no pins.
        let pinned = match self.unload {
            true => Pinned::default(),
            false => self.names.find()?,
        };
        match self.format {
            Format::Iptables => self.iptables(is_ipv6, &pinned, output),
            Format::Nft => self.nft(&pinned, output),
        }
    }

    fn iptables(
        &self,
        is_ipv6: Option<bool>,
        pinned: &Pinned,
        output: &Output,
    ) -> Result<(), Failure> {
        let (from, own) = Chain::names(self.chain.as_ref());
        let chains = Chains { from, own };
        let families: &[bool] = match is_ipv6 {
            None => &[false, true],
            Some(false) => &[false],
            Some(true) => &[true],
        };
        if !self.load && !self.unload {
            // Who may not read the rules prints what is to be loaded for the first time.
            let old: Vec<Jump> = families
                .iter()
                .filter_map(|&is_ipv6| Some((is_ipv6, saved(is_ipv6).ok()?)))
                .flat_map(|(is_ipv6, saved)| chains.jumps_in(&saved, is_ipv6))
                .collect();
            let ruleset = chains.ruleset(&self.held, pinned, is_ipv6, &old);
            return print(iptables::command(is_ipv6), &ruleset, output);
        }
        // All is read before anything is changed.
        let saved = families.iter().map(|&is_ipv6| saved(is_ipv6));
        let saved = saved.collect::<Result<Vec<_>, _>>()?;
        let mut changes = Vec::new();
        for (&is_ipv6, saved) in families.iter().zip(&saved) {
            let old = chains.jumps_in(saved, is_ipv6);
            match self.load {
                true => changes.push((
                    is_ipv6,
                    chains.ruleset(&self.held, pinned, Some(is_ipv6), &old),
                )),
                false if chains.is_in(saved) => changes.push((is_ipv6, chains.removal(&old))),
                false => {}
            }
        }
        for (is_ipv6, text) in &changes {
            restore(*is_ipv6, &["--test"], text)?;
        }
        for (place, (is_ipv6, text)) in changes.iter().enumerate() {
            restore(*is_ipv6, &[], text).map_err(|mut failure| {
                if place > 0 {
                    let done = if self.load { "loaded" } else { "taken away" };
                    failure.message += &format!("; those of {} are {done}", name(!is_ipv6));
                }
                failure
            })?;
        }
        let tools: Vec<&str> = families.iter().map(|&is_ipv6| name(is_ipv6)).collect();
        self.done(&tools, output)
    }

    fn nft(&self, pinned: &Pinned, output: &Output) -> Result<(), Failure> {
        let Some(hook) = Chain::hook(self.chain.as_ref()) else {
            return Err(Failure::usage(
                "with --format nft, --chain is FORWARD, INPUT or OUTPUT; the table's name follows from it",
            ));
        };
        if self.unload {
            run(&["nft", "-f", "-"], &nft::removal(hook))?;
            return self.done(&["nft"], output);
        }
        // Whoever may not ask, and whoever has no pass mark on yet, is told of it by the ruleset.
        let tracking = Tlsconn::open().and_then(|mut tlsconn| tlsconn.tracking());
        let tracking = tracking.ok().filter(|found| found.pass_mark.is_some());
        let bit = tracking.as_ref().and_then(|found| found.pass_mark);
        let bit = bit.unwrap_or(nft::PASS_MARK);
        // Strict tracking stays strict by what the ruleset says to run.
        let is_strict = tracking.as_ref().is_some_and(|found| found.strict);
        let ruleset = nft::ruleset(&self.held, pinned, hook, bit, is_strict || self.held.strict);
        if !self.load {
            return print(nft::COMMAND, &ruleset, output);
        }
        if self.held.strict && !is_strict {
            let on = nft::track_on(bit, true);
            return Err(Failure::new(
                Code::Failed,
                format!(
                    "with nft it is the pass mark that is strict, and it is not: run `{on}` first"
                ),
            ));
        }
        run(&["nft", "-f", "-"], &ruleset)?;
        if tracking.is_none() && !output.json {
            let on = nft::track_on(bit, false);
            output.remark(&format!(
                "only pinned connections pass until there is a pass mark: `{on}`"
            ));
        }
        self.done(&["nft"], output)
    }

    fn done(&self, tools: &[&str], output: &Output) -> Result<(), Failure> {
        if output.json {
            return output.object(&match self.load {
                true => Done::Loaded(tools),
                false => Done::Unloaded(tools),
            });
        }
        let what = if self.load { "loaded" } else { "taken away" };
        output.done(&format!("{what}: {}", tools.join(", ")))
    }
}

fn print(load: &str, ruleset: &str, output: &Output) -> Result<(), Failure> {
    if output.json {
        return output.object(&Answer { load, ruleset });
    }
    output.text(ruleset)
}

/// iptables, or ip6tables.
fn name(is_ipv6: bool) -> &'static str {
    match is_ipv6 {
        true => "ip6tables",
        false => "iptables",
    }
}

/// Has iptables-restore, or ip6tables-restore, read a text. Docker and firewalld may have the lock meanwhile.
fn restore(is_ipv6: bool, options: &[&str], text: &str) -> Result<(), Failure> {
    let program = format!("{}-restore", name(is_ipv6));
    run(
        &[&[&program, "--noflush", "--wait"], options].concat(),
        text,
    )
    .map(drop)
}

/// The rules that are there.
fn saved(is_ipv6: bool) -> Result<String, Failure> {
    run(&[&format!("{}-save", name(is_ipv6))], "")
}
