// SPDX-License-Identifier: GPL-2.0-only

//! Sets of server names in messages.

use tlsconn_uapi as uapi;

use super::{
    attribute::{Attribute, Attributes},
    client::one,
    decode::Object,
    malformed::Malformed,
    told::Told,
    Tlsconn,
};
use crate::{
    failure::{Code, Failure},
    model::{Member, Set},
};

/// What to do when there is no such set.
const SEE_SETS: &str = "see `tlsconnctl set list`";

/// What becomes of names that are sent for a set.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Replace,
    Add,
    Remove,
}

impl Change {
    fn number(self) -> u32 {
        match self {
            Self::Replace => uapi::TLSCONN_SET_CHANGE_REPLACE,
            Self::Add => uapi::TLSCONN_SET_CHANGE_ADD,
            Self::Remove => uapi::TLSCONN_SET_CHANGE_REMOVE,
        }
    }
}

impl Tlsconn {
    /// Every set.
    pub(crate) fn sets(&mut self) -> Result<Vec<Set>, Failure> {
        let sets = self.client.dump(
            uapi::TLSCONN_CMD_SET_GET,
            &Attributes::default(),
            set,
            "cannot list the sets",
        );
        sets?.collect()
    }

    /// One of them.
    pub(crate) fn set(&mut self, name: &str) -> Result<Set, Failure> {
        self.on_set(uapi::TLSCONN_CMD_SET_GET, name, "show")
    }

    /// Makes a set without names.
    pub(crate) fn create_set(&mut self, name: &str) -> Result<Set, Failure> {
        self.on_set(uapi::TLSCONN_CMD_SET_NEW, name, "create")
    }

    /// Destroys a set, and gives it as it was.
    pub(crate) fn destroy_set(&mut self, name: &str) -> Result<Set, Failure> {
        self.on_set(uapi::TLSCONN_CMD_SET_DEL, name, "destroy")
    }

    fn on_set(&mut self, command: u32, name: &str, doing: &str) -> Result<Set, Failure> {
        let doing = format!("cannot {doing} set {name}");
        let objects = self
            .client
            .command(command, &named(name), &doing, SEE_SETS)?;
        one(&objects, set, &doing)
    }

    /// Changes a set by names, each of which has a zero byte after it, and gives it with the number of those that it has gained
    /// or lost. It happens at once, after the last of them.
    pub(crate) fn fill_set(
        &mut self,
        name: &str,
        content: &[u8],
        change: Change,
    ) -> Result<(Set, u64), Failure> {
        let doing = format!("cannot change set {name}");
        let mut chunks = chunks(content, uapi::TLSCONN_SET_CONTENT_MAX as usize).peekable();
        let mut asked = named(name).flag(uapi::TLSCONN_A_SET_BEGIN, true);
        loop {
            if let Some(chunk) = chunks.next() {
                asked = asked.push(uapi::TLSCONN_A_SET_CONTENT, chunk);
            }
            let is_last = chunks.peek().is_none();
            if is_last {
                let number = change.number().to_ne_bytes();
                asked = asked.push(uapi::TLSCONN_A_SET_CHANGE, &number[..1]);
            }
            let fill = uapi::TLSCONN_CMD_SET_FILL;
            let objects = self.client.command(fill, &asked, &doing, SEE_SETS)?;
            if is_last {
                return one(&objects, filled, &doing);
            }
            asked = named(name);
        }
    }

    /// The names of a set, as they come.
    pub(crate) fn members(&mut self, name: &str) -> Result<Told<'_, Member>, Failure> {
        self.client.dump(
            uapi::TLSCONN_CMD_SET_NAME_GET,
            &named(name),
            member,
            "cannot show the set",
        )
    }

    /// The name that a host is in a set by, if it is.
    pub(crate) fn find(&mut self, name: &str, host: &[u8]) -> Result<Option<Member>, Failure> {
        let asked = named(name).push(uapi::TLSCONN_A_SET_HOST, host);
        let doing = format!("cannot look into set {name}");
        let get = uapi::TLSCONN_CMD_SET_NAME_GET;
        match self.client.command(get, &asked, &doing, SEE_SETS) {
            Ok(objects) => one(&objects, member, &doing).map(Some),
            // That there is no such set is another failure.
            Err(failure) if failure.code == Code::NotFound => self.set(name).map(|_| None),
            Err(failure) => Err(failure),
        }
    }
}

fn named(name: &str) -> Attributes {
    Attributes::default().string(uapi::TLSCONN_A_SET_NAME, name)
}

/// Names in parts of so many bytes at most. No name is cut.
fn chunks(mut rest: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let room = &rest[..rest.len().min(most)];
        let end = room.iter().rposition(|octet| *octet == 0)? + 1;
        let (chunk, after) = rest.split_at(end);
        rest = after;
        Some(chunk)
    })
}

/// Reads a set.
fn set(octets: &[u8]) -> Result<Set, Malformed> {
    let object = Object::parse(octets)?;
    let count = |kind| object.must(kind, Attribute::uint);
    Ok(Set {
        name: object.must(uapi::TLSCONN_A_SET_NAME, |field| text(field.string()))?,
        size: count(uapi::TLSCONN_A_SET_SIZE)?,
        memory: count(uapi::TLSCONN_A_SET_OCTETS)?,
        hits: count(uapi::TLSCONN_A_SET_HITS)?,
        rules: count(uapi::TLSCONN_A_SET_RULES)?,
        pins: count(uapi::TLSCONN_A_SET_PINS)?,
    })
}

/// Reads a set and by how many names it was changed.
fn filled(octets: &[u8]) -> Result<(Set, u64), Malformed> {
    let changed = Object::parse(octets)?.must(uapi::TLSCONN_A_SET_CHANGED, Attribute::uint)?;
    Ok((set(octets)?, changed))
}

/// Reads a name of a set.
fn member(octets: &[u8]) -> Result<Member, Malformed> {
    let object = Object::parse(octets)?;
    Ok(Member {
        name: object.must(uapi::TLSCONN_A_SET_HOST, |field| text(field.value))?,
        hits: object.must(uapi::TLSCONN_A_SET_HITS, Attribute::uint)?,
    })
}

fn text(octets: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(octets.into()).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_cut() {
        let parts = |content, most| chunks(content, most).collect::<Vec<_>>();
        assert_eq!(parts(b"", 8), [b""; 0]);
        assert_eq!(parts(b"a\0bc\0", 8), [b"a\0bc\0"]);
        assert_eq!(parts(b"a\0bc\0d\0", 4), [&b"a\0"[..], b"bc\0", b"d\0"]);
        assert_eq!(parts(b"abc\0def\0", 4), [b"abc\0", b"def\0"]);
    }
}
