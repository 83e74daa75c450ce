# SPDX-License-Identifier: GPL-2.0-only
# What a person types. Everything is built in a Debian root of its own in the cache; see tests/lab/.
# The kernel's build system reads Kbuild and not this file.

LAB := tests/lab
export TLSCONN_CACHE ?= $(or $(XDG_CACHE_HOME),$(or $(HOME),/root)/.cache)/tlsconn
# As it was typed: a $ in it is the guest's shell's, not make's.
export GUEST_COMMAND := $(value CMD)
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: help build demo test test-full test-debug kernels bench stacks beside compare vm uml rust-analyzer tables static install uninstall deb kernel-devel test-deb test-boot clean distclean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## the module for the stock kernel, the iptables extension, tlsconnctl
	@$(LAB)/build stock

demo: ## four TLS connections through a gateway, one of them pinned, in a virtual machine
	@$(LAB)/build stock
	@$(LAB)/vm tests/guest/demo

test: ## all tests: host, User Mode Linux, stock kernel
	@tests/run

test-full: ## the same, and on the stock kernel too what make test has in User Mode Linux alone
	@SUITE_TIME=5000 TLSCONN_EVERYWHERE=1 tests/run

kernels: ## build and test for every Debian kernel that is supported; writes docs/kernels.md (hours)
	@tests/kernels

test-debug: ## the guest's suite in kernels with KASAN, KMEMLEAK, lockdep, fault injection, and with KCSAN, KFENCE (hours)
	@tests/run kasan kcsan

bench: ## what a packet costs on the stock kernel, in instructions; fails when a goal is missed (half an hour)
	@tests/run bench

stacks: ## every TLS stack through the gateway, client by server; writes docs/stacks.md (hours; SAMPLE=5: every fifth cell)
	@tests/run stacks $(if $(SAMPLE),--sample $(SAMPLE))

beside: ## what Suricata inline and the u32 recipe let through and cost, on the stock kernel; writes docs/beside.md (an hour)
	@tests/run beside

compare: ## what `tlsconnctl inspect` says of the captures in a folder, beside tshark's fields (FOLDER='…')
	@tests/compare/run $(or $(FOLDER),$(error FOLDER names no folder of captures))

vm: ## a shell on the stock kernel; CMD='…' runs a command there
	@$(LAB)/build stock
	@$(LAB)/vm $(if $(value CMD),"$$GUEST_COMMAND")

uml: ## the same in User Mode Linux, in a second
	@$(LAB)/build uml
	@$(LAB)/uml $(if $(value CMD),"$$GUEST_COMMAND")

rust-analyzer: ## rust-project.json, from which editors know the kernel's crates and the module
	@$(LAB)/rust-analyzer

tables: ## what is made from kmod/facts: headers, netlink's specification, the JSON schema, tables of documents, fish
	@$(LAB)/enter cargo run --locked --quiet --package tlsconn-facts --example tables -- write

static: ## tlsconnctl alone, without shared libraries, in build/static: for hosts that only run `inspect`
	@packaging/static

install: ## module, extension and tool for this machine's kernel (DESTDIR, PREFIX, KVER)
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' KVER='$(KVER)' packaging/install

uninstall: ## take them away again
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' KVER='$(KVER)' packaging/install --remove

deb: ## Debian packages in build/deb: module, extension, tool, DKMS source (KVER='RELEASE …'; default: the newest)
	@packaging/deb $(KVER)

kernel-devel: ## Debian packages of what any Rust module is built with and linux-headers leave out (KVER='RELEASE …')
	@packaging/rust-metadata $(KVER)

test-deb: ## installs the packages in clean Debian roots, boots them, pins a connection; by DKMS too (half an hour)
	@tests/deb

test-boot: ## the packages in a Debian that systemd boots, beside nftables, iptables-persistent, Docker, firewalld, ufw (an hour)
	@tests/boot/run

clean: ## what was built here
	@$(LAB)/clean

distclean: ## and the cache
	@$(LAB)/clean --cache
