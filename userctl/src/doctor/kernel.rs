// SPDX-License-Identifier: GPL-2.0-only

//! The kernel, the module, and conntrack.

use super::{finding::Finding, host::Host};
use crate::{
    failure::Code,
    running::{self, OLDEST},
};

/// This tool's version, and so the one that module and extension should have.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Brings module, extension and tool of one version.
pub(super) const INSTALL: &str = "make install";
const NEWER_KERNEL: &str = if cfg!(target_arch = "aarch64") {
    "apt-get install -t trixie-backports linux-image-arm64 && reboot"
} else {
    "apt-get install -t trixie-backports linux-image-amd64 && reboot"
};

/// The kernel can take a Rust module.
pub(super) fn kernel(host: &Host) -> Vec<Finding> {
    let release = &host.release;
    vec![if host.is_loaded {
        Finding::good("kernel", format!("Linux {release} has taken the module"))
    } else {
        match host.has_rust {
            _ if running::is_too_old(release) => Finding::bad(
                "kernel",
                format!(
                    "Linux {release} is too old: tlsconn needs {}.{} or newer, built with Rust; for Debian 13 it is in \
                     trixie-backports, which has to be among apt's sources (docs/packages.md)",
                    OLDEST.0, OLDEST.1
                ),
                NEWER_KERNEL,
            ),
            Some(true) => Finding::good("kernel", format!("Linux {release} was built with Rust")),
            Some(false) => Finding::bad(
                "kernel",
                format!(
                    "Linux {release} was built without Rust (CONFIG_RUST); Debian's have it from 7.2 on, for Debian 13 in \
                     trixie-backports, which has to be among apt's sources (docs/packages.md)"
                ),
                NEWER_KERNEL,
            ),
            None if host.is_installed => {
                Finding::good("kernel", format!("the module was built for Linux {release}"))
            }
            None => Finding {
                fix: Some(format!("apt-get install linux-headers-{release}")),
                ..Finding::unknown(
                    "kernel",
                    format!("whether Linux {release} was built with Rust cannot be told: its configuration is not here"),
                )
            },
        }
    }]
}

/// The module is loaded, of this version, and lets us ask.
pub(super) fn module(host: &Host) -> Vec<Finding> {
    let check = "module";
    if !host.is_loaded {
        return vec![if host.is_foreign {
            let detail = format!(
                "xt_tlsconn is installed for Linux {}, but built for another architecture",
                host.release
            );
            Finding::bad(check, detail, format!("{INSTALL} && modprobe xt_tlsconn"))
        } else if host.is_installed {
            Finding::bad(check, "xt_tlsconn is not loaded", "modprobe xt_tlsconn")
        } else {
            let detail = format!("xt_tlsconn is not installed for Linux {}", host.release);
            Finding::bad(check, detail, format!("{INSTALL} && modprobe xt_tlsconn"))
        }];
    }
    let version = host.module_version.as_deref().unwrap_or("unknown");
    if version != VERSION {
        // A module that a rule uses cannot be unloaded.
        let detail = format!(
            "xt_tlsconn is of version {version}, tlsconnctl of {VERSION}; first remove all rules that use the match \
             (docs/operations.md, Updating)"
        );
        let fix = format!("{INSTALL} && rmmod xt_tlsconn && modprobe xt_tlsconn");
        return vec![Finding::bad(check, detail, fix)];
    }
    vec![match &host.asked {
        Some(Err(failure)) if failure.code == Code::Unavailable => Finding::bad(
            check,
            "only a process with CAP_NET_ADMIN may ask the module",
            "sudo tlsconnctl doctor",
        ),
        Some(Err(failure)) => Finding::bad(
            check,
            format!("the module does not answer: {}", failure.message),
            format!("{INSTALL} && rmmod xt_tlsconn && modprobe xt_tlsconn"),
        ),
        _ => Finding::good(check, format!("xt_tlsconn {version} is loaded")),
    }]
}

/// Conntrack is there and has room.
pub(super) fn conntrack(host: &Host) -> Vec<Finding> {
    let check = "conntrack";
    vec![match host.conntrack {
        None => Finding::bad(
            check,
            "connection tracking is not loaded: no rule here needs it yet",
            "modprobe nf_conntrack",
        ),
        // Nine tenths: from there on a burst fills it.
        Some((count, max)) if count.saturating_mul(10) >= max.saturating_mul(9) => Finding::bad(
            check,
            format!("conntrack's table is nearly full: {count} of {max} entries; packets of further connections are dropped"),
            format!("sysctl -w net.netfilter.nf_conntrack_max={}", max.saturating_mul(2)),
        ),
        Some((count, max)) => match tracks_fewer(host, max) {
            Some(ours) => Finding::bad(
                check,
                format!("conntrack has up to {max} entries, and xt_tlsconn tracks {ours} connections at most: further ones are held"),
                format!(
                    "echo 'options xt_tlsconn max_connections={max}' >/etc/modprobe.d/tlsconn.conf && rmmod xt_tlsconn && \
                     modprobe xt_tlsconn"
                ),
            ),
            None => Finding::good(check, format!("{count} of {max} entries in use")),
        },
    }]
}

/// How many connections the module tracks, if conntrack may have more.
fn tracks_fewer(host: &Host, conntracks: u64) -> Option<u64> {
    let (_, _, tracking) = host.tracked()?;
    tracking.max_connections.filter(|ours| *ours < conntracks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{failure::Failure, model::Tracking};

    fn only(findings: Vec<Finding>) -> Finding {
        assert_eq!(findings.len(), 1);
        findings[0].clone()
    }

    #[test]
    fn kernels() {
        for (has_rust, is_installed, is_loaded, ok) in [
            (Some(true), false, false, true),
            (Some(false), false, false, false),
            (None, true, false, true),
            (Some(false), false, true, true),
        ] {
            let host = Host {
                has_rust,
                is_installed,
                is_loaded,
                ..Host::default()
            };
            let finding = only(kernel(&host));
            assert_eq!(
                (finding.is_good(), finding.fix.is_none()),
                (ok, ok),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn a_kernel_that_is_too_old() {
        for (has_rust, is_loaded) in [(Some(true), false), (None, false), (Some(true), true)] {
            let host = Host {
                release: "6.12.48+deb13-amd64".into(),
                has_rust,
                is_loaded,
                ..Host::default()
            };
            let finding = only(kernel(&host));
            assert_eq!(finding.is_good(), is_loaded, "{finding:?}");
            assert_eq!(finding.detail.contains("too old"), !is_loaded);
        }
    }

    #[test]
    fn modules() {
        let loaded = || Host {
            is_loaded: true,
            is_installed: true,
            module_version: Some(VERSION.into()),
            asked: Some(Ok((Vec::new(), Vec::new(), Tracking::default()))),
            ..Host::default()
        };
        assert!(only(module(&loaded())).is_good());
        for (host, fix) in [
            (Host::default(), "make install"),
            (
                Host {
                    is_loaded: false,
                    ..loaded()
                },
                "modprobe xt_tlsconn",
            ),
            (
                Host {
                    is_loaded: false,
                    is_foreign: true,
                    ..loaded()
                },
                "make install",
            ),
            (
                Host {
                    module_version: Some("0.0.1".into()),
                    ..loaded()
                },
                "make install && rmmod",
            ),
            (
                Host {
                    asked: Some(Err(Failure::new(Code::Unavailable, "no"))),
                    ..loaded()
                },
                "sudo",
            ),
        ] {
            let finding = only(module(&host));
            assert!(
                finding.fix.as_deref().is_some_and(|f| f.starts_with(fix)),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn conntrack_s_room() {
        for (entries, ok) in [
            (None, false),
            (Some((1, 100)), true),
            (Some((90, 100)), false),
        ] {
            let host = Host {
                conntrack: entries,
                ..Host::default()
            };
            assert_eq!(only(conntrack(&host)).is_good(), ok);
        }
    }
}
