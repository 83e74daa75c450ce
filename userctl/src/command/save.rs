// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl save`: what a reboot would lose, as commands.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    failure::Failure,
    model::{Member, Pin, PinState, Tracking},
    netlink::Tlsconn,
    output::Output,
};

/// What `save` prints as JSON.
#[derive(Serialize)]
struct Saved {
    commands: Vec<String>,
}

pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let mut tlsconn = Tlsconn::open()?;
    let mut sets = Vec::new();
    for set in tlsconn.sets()? {
        let names = tlsconn.members(&set.name)?.collect::<Result<Vec<_>, _>>()?;
        sets.push((set.name, names));
    }
    let commands = commands(&tlsconn.tracking()?, &sets, &tlsconn.pins()?);
    if output.json {
        return output.object(&Saved { commands });
    }
    let mut text = String::from(
        "# Written by `tlsconnctl save`; `tlsconnctl batch FILE` runs it, any number of times.\n",
    );
    for command in commands {
        text += &command;
        text.push('\n');
    }
    output.text(&text)
}

/// The commands that bring it back: sets before pins that ask them.
fn commands(tracking: &Tracking, sets: &[(String, Vec<Member>)], pins: &[Pin]) -> Vec<String> {
    let track = tracking.requested.then(|| track(tracking));
    let sets = sets.iter().map(|(name, names)| load(name, names));
    let armed = pins.iter().filter(|pin| is_first_armed(pin)).map(arm);
    track.into_iter().chain(sets).chain(armed).collect()
}

/// One line, so that the set has all of its names at once, however many they are. None of them needs quotes.
fn load(name: &str, names: &[Member]) -> String {
    let mut names: Vec<&str> = names.iter().map(|member| member.name.as_str()).collect();
    names.sort_unstable();
    let mut line = format!("set load {name} --names");
    for name in names {
        line.push(' ');
        line += name;
    }
    line
}

fn track(tracking: &Tracking) -> String {
    let mut line = String::from("track on");
    if let Some(bit) = tracking.pass_mark {
        line += &format!(" --pass-mark {bit:#010x}");
    }
    if tracking.strict {
        line += " --strict";
    }
    if tracking.ja4 {
        line += " --ja4";
    }
    line
}

/// Whether it waits for its first connection. One that was bound and goes on to a resumption has its time running: it waits for
/// a session that a reboot ends, and without it would take whatever fits its selector.
fn is_first_armed(pin: &Pin) -> bool {
    pin.state == PinState::Armed && (pin.shared || pin.expires_in.is_none())
}

fn arm(pin: &Pin) -> String {
    let name = pin.name.to_string();
    let mut line = format!(
        "pin --name={} --mark {:#x}/{:#x} --next --replace",
        quoted(&name),
        pin.mark,
        pin.mask
    );
    if let Some(seconds) = pin.lasts {
        line += &format!(" --for {seconds}s");
    }
    for (is_so, option) in [
        (pin.follow, " --follow"),
        (pin.shared && !pin.deny, " --shared"),
        (pin.deny, " --deny"),
    ] {
        if is_so {
            line += option;
        }
    }
    for (field, value) in &pin.selector {
        line += &format!(" --{}={}", field.replace('_', "-"), quoted(value));
    }
    line
}

/// As a shell would take it. Names and selectors have no byte of zero, which alone cannot be quoted.
fn quoted(text: &str) -> Cow<'_, str> {
    shlex::try_quote(text).unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octets::Name;

    fn pin(name: &str, state: PinState) -> Pin {
        Pin {
            name: Name(name.into()),
            mark: 0x5400_0000,
            mask: 0xff00_0000,
            state,
            connection: None,
            selector: [("sni", "*.example"), ("src", "10.0.0.0/8")]
                .map(|(field, value)| (field, value.into()))
                .into(),
            expires_in: None,
            lasts: None,
            follow: false,
            shared: false,
            deny: false,
            mark_lost: false,
            connections: Vec::new(),
            others: Vec::new(),
        }
    }

    #[test]
    fn what_would_be_lost() {
        let tracking = |requested| Tracking {
            tracking: true,
            rules: 1,
            requested,
            pass_mark: None,
            strict: false,
            ja4: false,
            max_connections: None,
        };
        let marked = Tracking {
            pass_mark: Some(0x80_0000),
            strict: true,
            ..tracking(true)
        };
        assert_eq!(
            commands(&marked, &[], &[]),
            ["track on --pass-mark 0x00800000 --strict"]
        );
        let with_ja4 = Tracking {
            ja4: true,
            ..tracking(true)
        };
        assert_eq!(commands(&with_ja4, &[], &[]), ["track on --ja4"]);
        assert_eq!(commands(&tracking(false), &[], &[]), [""; 0]);
        let follows = Pin {
            expires_in: Some(30),
            ..pin("follows", PinState::Armed)
        };
        let lasting = Pin {
            lasts: Some(5400),
            follow: true,
            ..pin("b", PinState::Armed)
        };
        let shared = Pin {
            shared: true,
            connections: vec![3, 4],
            expires_in: Some(30),
            lasts: Some(60),
            ..pin("c", PinState::Armed)
        };
        let denies = Pin {
            shared: true,
            deny: true,
            mark: 0x5600_0000,
            ..pin("d", PinState::Armed)
        };
        let pins = [
            pin("a", PinState::Armed),
            lasting,
            shared,
            denies,
            pin("bound", PinState::Bound),
            pin("gone", PinState::Released),
            follows,
        ];
        let members = [".b.example", "a.example"].map(|name| Member {
            name: name.into(),
            hits: 7,
        });
        let sets = [("some".into(), members.into()), ("none".into(), vec![])];
        assert_eq!(
            commands(&tracking(true), &sets, &pins),
            [
                "track on",
                "set load some --names .b.example a.example",
                "set load none --names",
                "pin --name=a --mark 0x54000000/0xff000000 --next --replace --sni='*.example' --src=10.0.0.0/8",
                "pin --name=b --mark 0x54000000/0xff000000 --next --replace --for 5400s --follow --sni='*.example' \
                 --src=10.0.0.0/8",
                "pin --name=c --mark 0x54000000/0xff000000 --next --replace --for 60s --shared --sni='*.example' \
                 --src=10.0.0.0/8",
                "pin --name=d --mark 0x56000000/0xff000000 --next --replace --deny --sni='*.example' --src=10.0.0.0/8",
            ]
        );
    }
}
