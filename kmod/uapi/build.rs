// SPDX-License-Identifier: GPL-2.0-only

//! Binds the ABI headers, the same files that the kernel module is built from.

use std::{env, path::PathBuf};

fn main() {
    let mut builder = bindgen::Builder::default()
        .use_core()
        .allowlist_item("_*(XT_)?TLSCONN_.*|(xt_)?tlsconn_.*")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .derive_default(false)
        .layout_tests(true);
    for header in ["xt_tlsconn.h", "tlsconn_netlink.h"] {
        println!("cargo::rerun-if-changed={header}");
        builder = builder.header(header);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    builder
        .generate()
        .expect("the ABI headers can be bound (is libclang installed?)")
        .write_to_file(out.join("uapi.rs"))
        .expect("OUT_DIR can be written to");
}
