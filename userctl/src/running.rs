// SPDX-License-Identifier: GPL-2.0-only

//! The kernel that runs, by its release: whether it can take the module at all, and whether the module is installed for it.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

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
    module_file(release).is_some()
}

/// The file that modprobe would load.
fn module_file(release: &str) -> Option<PathBuf> {
    let folder = Path::new("/lib/modules").join(release);
    let modules = fs::read_to_string(folder.join("modules.dep")).ok()?;
    let file = |line: &str| Some(line.split_once(':')?.0.to_owned());
    let found = modules
        .lines()
        .filter_map(file)
        .find(|file| file.contains("/xt_tlsconn.ko"))?;
    Some(folder.join(found))
}

/// Whether the module that modprobe would load is another architecture's than this tool. One that is compressed is not looked into.
pub(crate) fn is_foreign(release: &str) -> bool {
    let header = |file: &Path| {
        let mut header = [0; 20];
        fs::File::open(file)
            .and_then(|mut file| file.read_exact(&mut header))
            .ok()
            .map(|()| header)
    };
    let module = module_file(release).and_then(|file| header(&file));
    let own = header(Path::new("/proc/self/exe"));
    module
        .zip(own)
        .is_some_and(|(module, own)| differ(&module, &own))
}

/// Whether two ELF files are of different architectures: bits, order of bytes, machine.
fn differ(one: &[u8; 20], other: &[u8; 20]) -> bool {
    let is_elf = |header: &[u8; 20]| header.starts_with(b"\x7fELF");
    let kind = |header: &[u8; 20]| (header[4], header[5], [header[18], header[19]]);
    is_elf(one) && is_elf(other) && kind(one) != kind(other)
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
    use super::{differ, is_too_old};

    #[test]
    fn architectures() {
        let header = |bits: u8, order: u8, machine: u8| {
            let mut header = *b"\x7fELF\0\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\0";
            (header[4], header[5], header[18]) = (bits, order, machine);
            header
        };
        let (x86_64, arm64) = (header(2, 1, 62), header(2, 1, 183));
        assert!(!differ(&x86_64, &x86_64));
        for other in [arm64, header(1, 1, 62), header(2, 2, 62)] {
            assert!(differ(&other, &x86_64));
        }
        let compressed = *b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\0!\x01\x16\0\0\0";
        assert!(!differ(&compressed, &x86_64));
    }

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
