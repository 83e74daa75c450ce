// SPDX-License-Identifier: GPL-2.0-only

//! `tlsconnctl set`: sets of server names.

mod file;
mod show;

use std::{fs, io};

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use tlsconn_values::set;

use crate::{
    completion,
    failure::{Code, Failure},
    model,
    netlink::{Change, Tlsconn},
    output::Output,
};

/// Make sets of server names, for rules (-m tlsconn --sni-set) and selectors (--sni-set)
///
/// A name is a host, such as www.example.org, or a domain, such as .example.org: that is example.org and all names below it. Case and a
/// dot at the end make no difference. Write IDNs in Unicode or as xn--. A network namespace has at most 64 sets, a set 4,194,304 names,
/// a domain 16 labels. A look-up takes the same time however many names there are.
#[derive(Args, Debug)]
pub(crate) struct Set {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a set without names
    Create(Of),
    /// Give a set the names of a file and no others, in one step; make the set if there is none
    ///
    /// Packets see the old names or the new ones. If a line of the file is not a name, nothing is changed, and the error names the line.
    Load(Load),
    /// Add names
    Add(Names),
    /// Take names out
    Del(Names),
    /// Show the sets
    List,
    /// Show the names of a set, one a line, as `set load` reads them
    Show(Show),
    /// Say whether a host is in a set, and by which name; exit code 1 if it is not
    Test(Test),
    /// Destroy a set that no rule and no armed pin uses
    Destroy(Of),
}

#[derive(Args, Debug)]
struct Of {
    /// The set
    #[arg(value_parser = named, add = ArgValueCandidates::new(completion::sets))]
    name: String,
}

#[derive(Args, Debug)]
struct Load {
    /// The set
    #[arg(value_parser = named, add = ArgValueCandidates::new(completion::sets))]
    name: String,
    /// A file, or - for standard input: one name a line, comments after a #; lines as in /etc/hosts too
    #[arg(required_unless_present = "names")]
    file: Option<String>,
    /// These names, in place of a file; as `tlsconnctl save` writes them
    #[arg(long, num_args = 0.., value_name = "HOST", conflicts_with = "file")]
    names: Option<Vec<String>>,
}

#[derive(Args, Debug)]
struct Names {
    /// The set
    #[arg(value_parser = named, add = ArgValueCandidates::new(completion::sets))]
    name: String,
    /// Hosts, as www.example.org, and domains, as .example.org
    #[arg(required = true, value_name = "HOST", value_parser = file::name)]
    names: Vec<String>,
}

#[derive(Args, Debug)]
struct Show {
    /// The set
    #[arg(value_parser = named, add = ArgValueCandidates::new(completion::sets))]
    name: String,
    /// With the number of packets that rules found by each name, the most first
    #[arg(long)]
    hits: bool,
}

#[derive(Args, Debug)]
struct Test {
    /// The set
    #[arg(value_parser = named, add = ArgValueCandidates::new(completion::sets))]
    name: String,
    /// A host, as a client names it
    #[arg(value_parser = host)]
    host: String,
}

/// What `set` prints of one set as JSON.
#[derive(Serialize)]
struct One<'a> {
    set: &'a model::Set,
}

/// Reads a set's name.
fn named(text: &str) -> Result<String, String> {
    set::parse(text).map(String::from)
}

/// Reads a host.
fn host(text: &str) -> Result<String, String> {
    match text.starts_with('.') {
        true => Err(format!(
            "\"{text}\" is no host but a domain; give a host in it, without the dot"
        )),
        false => file::name(text),
    }
}

impl Set {
    pub(crate) fn run(&self, output: &Output) -> Result<(), Failure> {
        match &self.what {
            What::Load(load) => load.run(output),
            What::Add(names) => names.run(Change::Add, output),
            What::Del(names) => names.run(Change::Remove, output),
            What::Create(of) => {
                let set = Tlsconn::open()?.create_set(&of.name)?;
                tell(output, &set, &format!("set {} created", set.name))
            }
            What::Destroy(of) => {
                let set = Tlsconn::open()?.destroy_set(&of.name)?;
                tell(
                    output,
                    &set,
                    &format!("set {} destroyed: it had {}", set.name, counted(set.size)),
                )
            }
            What::List => show::all(output),
            What::Show(show) => show::one(&show.name, show.hits, output),
            What::Test(test) => show::found(&test.name, &test.host, output),
        }
    }
}

impl Load {
    fn run(&self, output: &Output) -> Result<(), Failure> {
        let content = match &self.file {
            Some(file) => read(file)?,
            None => {
                let mut content = Vec::new();
                for name in self.names.iter().flatten() {
                    file::add(&mut content, name)
                        .map_err(|problem| Failure::usage(format!("--names: {problem}")))?;
                }
                content
            }
        };
        let mut tlsconn = Tlsconn::open()?;
        let (set, _) = tlsconn.fill_set(&self.name, &content, Change::Replace)?;
        tell(
            output,
            &set,
            &format!("set {} has {}", set.name, counted(set.size)),
        )
    }
}

/// The names of a file.
fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let (name, read) = match file {
        "-" => ("standard input", io::read_to_string(io::stdin())),
        file => (file, fs::read_to_string(file)),
    };
    let text =
        read.map_err(|error| Failure::new(Code::Failed, format!("cannot read {name}: {error}")))?;
    file::content(&text).map_err(|(line, problem)| {
        Failure::new(
            Code::Failed,
            format!("{name}:{line}: {problem}; the set stays as it was"),
        )
    })
}

impl Names {
    fn run(&self, change: Change, output: &Output) -> Result<(), Failure> {
        let mut content = Vec::new();
        for name in &self.names {
            content.extend(name.as_bytes());
            content.push(0);
        }
        let mut tlsconn = Tlsconn::open()?;
        let (set, changed) = tlsconn.fill_set(&self.name, &content, change)?;
        let (done, other) = match change {
            Change::Remove => ("taken out", "not in it"),
            _ => ("added", "in it already"),
        };
        let rest = (self.names.len() as u64).saturating_sub(changed);
        let rest = match rest {
            0 => String::new(),
            rest => format!(
                ", {rest} {} {other}",
                if rest == 1 { "was" } else { "were" }
            ),
        };
        let line = format!(
            "{} {done}{rest}; set {} has {}",
            counted(changed),
            set.name,
            counted(set.size)
        );
        tell(output, &set, &line)
    }
}

fn tell(output: &Output, set: &model::Set, line: &str) -> Result<(), Failure> {
    match output.json {
        true => output.object(&One { set }),
        false => output.done(line),
    }
}

fn counted(names: u64) -> String {
    match names {
        1 => "1 name".into(),
        names => format!("{names} names"),
    }
}
