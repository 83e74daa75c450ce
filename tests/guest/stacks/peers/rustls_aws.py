# SPDX-License-Identifier: GPL-2.0-only
"""rustls on AWS-LC, which is what it has by default; the one without a name for it is on ring."""

from peers import rustls


class RustlsAws(rustls.Rustls):
    name = "rustls_aws"
    title = "rustls on AWS-LC"
    mldsa = None
    program = rustls.BUILT / "peer-rustls-aws"


STACK = RustlsAws()
