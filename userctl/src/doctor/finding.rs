// SPDX-License-Identifier: GPL-2.0-only

//! What checks find.

use serde::Serialize;

/// What a check found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// The check's name; it may have several findings.
    pub(crate) check: &'static str,
    pub(crate) ok: bool,
    pub(crate) detail: String,
    /// A command line for a shell; none where nothing is wrong.
    pub(crate) fix: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok: true,
            detail: detail.into(),
            fix: None,
        }
    }

    /// Something is wrong, and a command fixes it.
    pub(super) fn bad(
        check: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check,
            ok: false,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// What a check found wrong, or the one good finding where it found nothing.
pub(super) fn or_good(bad: Vec<Finding>, check: &'static str, detail: &str) -> Vec<Finding> {
    if bad.is_empty() {
        vec![Finding::good(check, detail)]
    } else {
        bad
    }
}
