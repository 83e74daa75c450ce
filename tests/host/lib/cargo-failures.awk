# SPDX-License-Identifier: GPL-2.0-only
# What failed, of what `cargo test -- --show-output` said: errors, tests, and why they panicked.

# The panic's message stands behind its place. One that many threads end with, as the cases of a test of TLS stacks do, is
# told once; the test's own then has a line for each case: "== CLIENT -> SERVER: CASE: WHY".
/^thread .* panicked at / { place = $0; next }
place {
    where = place
    sub(/.* panicked at /, "", where)
    again = told[where, $0]++
    if (!again) print place "\n" $0
    place = ""
    next
}
/^(error|test .* FAILED|---- .* stdout|failures:)/ { again = 0; print; next }
/^(assertion| +(left|right):|== .* -> )/ && !again { print }
