// SPDX-License-Identifier: GPL-2.0-only

//! Binds libxtables, and links it so that the extension names the version of it that it was built for.

use std::{env, path::PathBuf};

const HEADERS: &str = "
#include <stdio.h>
#include <xtables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let xtables = pkg_config::probe_library("xtables")
        .expect("libxtables can be found by pkg-config (is libxtables-dev installed?)");
    let includes = xtables
        .include_paths
        .iter()
        .map(|path| format!("-I{}", path.display()));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    bindgen::Builder::default()
        .header_contents("bindings.h", HEADERS)
        .clang_args(includes)
        .allowlist_type("xt_option_(entry|call|type|flags)|xt_fcheck_call|_xt_align")
        .allowlist_type(
            "xtables_(match|globals|exittype)|xt_entry_match|ip6?t_entry|xt_xlate(_mt_params)?",
        )
        .allowlist_function("xtables_(register_match|option_parse)|xt_xlate_add|printf")
        .allowlist_var("xt_params|XTABLES_VERSION|NFPROTO_IPV[46]|IPPROTO_TCP|XT_INV_PROTO")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_cstr(true)
        .generate_comments(false)
        .generate()
        .expect("xtables.h can be bound (is libclang installed?)")
        .write_to_file(out.join("xtables.rs"))
        .expect("OUT_DIR can be written to");
}
