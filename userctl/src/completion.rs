// SPDX-License-Identifier: GPL-2.0-only

//! Completion on the command line: the shell asks this program, so that ids, pins and namespaces are those of now.

use std::{env, ffi::OsString, fs, io, process::ExitCode};

use clap_complete::{
    env::{CompleteEnv, EnvCompleter},
    CompletionCandidate,
};

use crate::{
    model::{Connection, Pin, PinState, Set, State},
    netlink::Tlsconn,
    netns,
    selector::Selector,
};

/// The environment variable by which a shell asks; it names the shell.
const ASKED: &str = "TLSCONNCTL_COMPLETE";
const PROGRAM: &str = "tlsconnctl";

/// Answers a shell that asks about a command line; None when none does.
pub(crate) fn answer(cli: fn() -> clap::Command) -> Option<ExitCode> {
    let folder = env::current_dir().ok();
    match CompleteEnv::with_factory(cli)
        .var(ASKED)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(env::args_os(), folder.as_deref())
    {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The script that a shell reads to know whom to ask.
pub(crate) fn script(shell: &dyn EnvCompleter) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    shell.write_registration(ASKED, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    if shell.name() == "zsh" {
        // Loaded as a function, it is called for the first completion and has to give that too.
        script.extend(
            b"[ \"$funcstack[1]\" != _tlsconnctl ] || _clap_dynamic_completer_tlsconnctl\n",
        );
    }
    Ok(script)
}

/// Ids of live connections, with what they are.
pub(crate) fn connections() -> Vec<CompletionCandidate> {
    ask(|tlsconn| {
        let live =
            tlsconn.connections_that(&Selector::default(), |state| state != State::Closed)?;
        live.map(|connection| {
            let connection = connection?;
            Ok(candidate(connection.id.to_string(), describe(&connection)))
        })
        .collect()
    })
}

/// Names of pins that are or were.
pub(crate) fn pins() -> Vec<CompletionCandidate> {
    ask(Tlsconn::pins).iter().map(pin).collect()
}

/// Names of pins that are armed or bound.
pub(crate) fn live_pins() -> Vec<CompletionCandidate> {
    ask(Tlsconn::pins)
        .iter()
        .filter(|pin| pin.state != PinState::Released)
        .map(pin)
        .collect()
}

/// Names of sets.
pub(crate) fn sets() -> Vec<CompletionCandidate> {
    let told = |set: &Set| candidate(set.name.clone(), format!("{} names", set.size));
    ask(Tlsconn::sets).iter().map(told).collect()
}

/// Names of network namespaces.
pub(crate) fn namespaces() -> Vec<CompletionCandidate> {
    let Ok(names) = fs::read_dir(netns::FOLDER) else {
        return Vec::new();
    };
    names
        .filter_map(|name| Some(CompletionCandidate::new(name.ok()?.file_name())))
        .collect()
}

fn pin(pin: &Pin) -> CompletionCandidate {
    let of = match pin.connections.as_slice() {
        [] => String::new(),
        [id] => format!(" to connection {id}"),
        several => format!(" to {} connections", several.len()),
    };
    candidate(pin.name.to_string(), format!("{}{of}", pin.state))
}

fn describe(connection: &Connection) -> String {
    let name = connection
        .sni
        .as_ref()
        .map_or(String::new(), |sni| format!(", {sni}"));
    format!(
        "{} to {}, {}{name}",
        connection.src, connection.dst, connection.state
    )
}

fn candidate(value: String, help: String) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.into()))
}

/// Asks the module, in the namespace that the line to be completed names. Where it does not answer there is nothing to
/// propose.
fn ask<T>(what: impl FnOnce(&mut Tlsconn) -> Result<Vec<T>, crate::failure::Failure>) -> Vec<T> {
    if let Some(name) = namespace_in(env::args_os()) {
        if netns::parse_name(&name).is_err() || netns::enter(&name).is_err() {
            return Vec::new();
        }
    }
    Tlsconn::open()
        .and_then(|mut tlsconn| what(&mut tlsconn))
        .unwrap_or_default()
}

/// The network namespace in a line that is being typed.
fn namespace_in(args: impl IntoIterator<Item = OsString>) -> Option<String> {
    let mut words = args.into_iter().filter_map(|arg| arg.into_string().ok());
    while let Some(word) = words.next() {
        if word == "-n" || word == "--netns" {
            return words.next();
        }
        if let Some(name) = word.strip_prefix("--netns=") {
            return Some(name.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::connection;

    #[test]
    fn the_namespace_that_is_meant() {
        let named = |words: &[&str]| namespace_in(words.iter().map(OsString::from));
        assert_eq!(
            named(&["tlsconnctl", "-n", "gateway", "show"]).as_deref(),
            Some("gateway")
        );
        assert_eq!(
            named(&["tlsconnctl", "show", "--netns=gateway"]).as_deref(),
            Some("gateway")
        );
        assert_eq!(named(&["tlsconnctl", "show"]), None);
        assert_eq!(named(&["tlsconnctl", "-n"]), None);
    }

    #[test]
    fn a_connection_is_described() {
        assert_eq!(
            describe(&connection()),
            "10.0.1.2:40000 to 10.0.2.2:443, established, www.example.org"
        );
    }
}
