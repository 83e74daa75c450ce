# SPDX-License-Identifier: GPL-2.0-only
"""The stacks, a module each, in the order of the table. Each module has its Stack in STACK."""

import importlib

NAMES = ("openssl", "gnutls", "nss", "rustls", "python", "curl", "go", "java", "nginx", "haproxy", "stunnel",
         "mbedtls", "boringssl", "wolfssl", "node", "erlang", "botan", "tlslite",
         "rustls_aws", "s2n", "chromium", "postgresql", "sslrequest")


def stack(name):
    return importlib.import_module(f"peers.{name}").STACK
