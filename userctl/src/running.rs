// SPDX-License-Identifier: GPL-2.0-only

//! The kernel that runs, by its release: whether it can take the module at all, and whether the module is installed for it.

use std::fs;

/// The first kernel that has what the module is built on.
pub(crate) const OLDEST: (u32, u32) = (7, 2);

/// As `uname -r` prints it; empty where the kernel does not tell.
pub(crate) fn release() -> String {
    nix::sys::utsname::uname()
        .map(|name| name.release().to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Whether a release is older than any that can take the module. One that does not begin with two numbers is not.
pub(crate) fn is_too_old(release: &str) -> bool {
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    (major, minor) < OLDEST
}

/// Whether modprobe would find xt_tlsconn.
pub(crate) fn is_installed(release: &str) -> bool {
    fs::read_to_string(format!("/lib/modules/{release}/modules.dep")).is_ok_and(|modules| {
        modules
            .lines()
            .any(|line| line.contains("/xt_tlsconn.ko") && line.contains(':'))
    })
}

/// Whether the kernel has a part, as a module that is loaded or built in.
pub(crate) fn has(release: &str, part: &str) -> bool {
    let built_in = fs::read_to_string(format!("/lib/modules/{release}/modules.builtin"));
    fs::exists(format!("/sys/module/{part}")).unwrap_or(false)
        || built_in.is_ok_and(|listed| listed.contains(&format!("/{part}.ko")))
}

/// What to do where the module is not loaded.
pub(crate) fn how_to_load() -> &'static str {
    if is_installed(&release()) {
        ": modprobe xt_tlsconn"
    } else {
        ", nor is it installed for the kernel that runs; `tlsconnctl doctor` says what is missing"
    }
}

#[cfg(test)]
mod tests {
    use super::is_too_old;

    #[test]
    fn releases() {
        for (release, is_old) in [
            ("6.12.48+deb13-amd64", true),
            ("7.1.9", true),
            ("7.1-rc3", true),
            ("7.2.12+deb13-amd64", false),
            ("7.2-rc1", false),
            ("7.10.0", false),
            ("10.0.1-arch1", false),
            ("7", false),
            ("", false),
            ("next-20261101", false),
        ] {
            assert_eq!(is_too_old(release), is_old, "{release}");
        }
    }
}
