// SPDX-License-Identifier: GPL-2.0-only

//! Network namespaces by name, as `ip netns` keeps them.

use std::{fs::File, io, path::Path};

use nix::{
    errno::Errno,
    sched::{setns, CloneFlags},
};

use crate::failure::{Code, Failure};

/// Where `ip netns` keeps them.
pub(crate) const FOLDER: &str = "/run/netns";

/// Takes a namespace's name, which is a file's name and no path.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text == "." || text == ".." || text.contains(['/', '\0']) {
        return Err("a namespace's name is one of those that `ip netns list` prints".into());
    }
    Ok(text.into())
}

/// Moves this process into a network namespace.
pub(crate) fn enter(name: &str) -> Result<(), Failure> {
    let doing = format!("cannot enter network namespace {name}");
    let file = File::open(Path::new(FOLDER).join(name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            Code::Failed,
            format!("there is no network namespace {name}; see `ip netns list`"),
        ),
        _ => Failure::system(
            &doing,
            Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO)),
        ),
    })?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| match error {
        Errno::EINVAL => Failure::new(
            Code::Failed,
            format!("{FOLDER}/{name} is not a network namespace; make one with `ip netns add`"),
        ),
        error => Failure::system(&doing, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        assert!(parse_name("gateway").is_ok());
        for wrong in ["", ".", "..", "../net", "a/b"] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_missing_namespace_is_named() {
        let failure = enter("tlsconn-none-of-this-name").expect_err("there is none");
        assert_eq!(failure.code, Code::Failed);
        assert!(
            failure.message.contains("tlsconn-none-of-this-name"),
            "{}",
            failure.message
        );
    }
}
