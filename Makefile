# make         the release binary, at .build/release/qq
# make demo    a hub, a listener and a few messages, checked
# make test    everything that must hold
# make install PREFIX=/usr/local   the binary, manual pages, completions, units and examples; uninstall removes them
# make deb     a Debian package, in .build/deb
# make bench   figures beside nats-server and mosquitto
# make man     the commands' manual pages and completions anew, from the commands and man/sections
.DEFAULT_GOAL := all
.PHONY: all man test demo bench format lint install uninstall deb packages bench-packages clean

PREFIX ?= /usr/local
DESTDIR ?=
CC = clang
SWIFT ?= swift
# Loading and relocating the C++ library takes a short command longer than its message: it is linked in.
STATIC = .build/static
RELEASE = -c release --static-swift-stdlib -Xlinker -L$(STATIC) -Xlinker -l:libgcc_eh.a
CHECKED = --explicit-target-dependency-import-check error

all: packages $(STATIC)/libstdc++.a
	$(SWIFT) build $(RELEASE) --product qq

$(STATIC)/libstdc++.a:
	mkdir -p $(STATIC)
	ln -s "$$($(CC) -print-file-name=libstdc++.a)" $@

# What the build needs besides Swift and git.
packages:
	@Scripts/need libsqlite3-dev libreadline-dev pkg-config

# Some tests lay cables between network namespaces, some read the manual and try its examples.
test: packages
	@Scripts/need iproute2 util-linux mandoc jq openssl zsh fish
	$(MAKE) lint
	$(SWIFT) build --build-tests $(CHECKED)
	$(SWIFT) test --skip-build

man: packages
	$(SWIFT) build --product qq
	$(SWIFT) build --product qq-manual
	.build/debug/qq-manual .build/debug/qq man completions

lint:
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift

format:
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

demo: packages
	@Scripts/need jq
	$(SWIFT) build --product qq
	Scripts/demo .build/debug/qq

bench-packages: packages
	@Scripts/need nats-server mosquitto mosquitto-clients openssl openssh-server openssh-client rsync

bench: bench-packages all
	$(SWIFT) build $(RELEASE) --product qq-bench
	.build/release/qq-bench suite --hub .build/release/qq

# Where things go: the FHS, and what the shells and systemd look for.
BINDIR = $(PREFIX)/bin
DATADIR = $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd
SYSCONFDIR ?= /etc
INSTALLED = \
	$(BINDIR)/qq \
	$(foreach page,$(wildcard man/*.1),$(DATADIR)/man/man1/$(notdir $(page)).gz) \
	$(foreach page,$(wildcard man/*.5),$(DATADIR)/man/man5/$(notdir $(page)).gz) \
	$(foreach page,$(wildcard man/*.7),$(DATADIR)/man/man7/$(notdir $(page)).gz) \
	$(DATADIR)/qq/qq-events.schema.json \
	$(DATADIR)/bash-completion/completions/qq \
	$(DATADIR)/zsh/site-functions/_qq \
	$(DATADIR)/fish/vendor_completions.d/qq.fish \
	$(UNITDIR)/system/qq-hub.service $(UNITDIR)/system/qq-hub.socket \
	$(UNITDIR)/system/qq-hub-backup.service $(UNITDIR)/system/qq-hub-backup.timer $(UNITDIR)/user/qq-listen.service \
	$(DATADIR)/doc/qq/README.md $(DATADIR)/doc/qq/README.zh-CN.md $(DATADIR)/doc/qq/examples/on-message $(DATADIR)/doc/qq/examples/qq-hub.default

install: all
	Scripts/install .build/release/qq "$(DESTDIR)" "$(BINDIR)" "$(DATADIR)" "$(UNITDIR)" "$(SYSCONFDIR)"

# What install has put somewhere, and the folders that nobody else has anything in.
uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DATADIR)/doc/qq/examples $(DESTDIR)$(DATADIR)/doc/qq \
	  $(DESTDIR)$(DATADIR)/qq

# A Debian package in .build/deb, looked over by lintian.
deb: all
	@Scripts/need dpkg-dev lintian
	lintian --fail-on error --tag-display-limit 0 "$$(Scripts/deb .build/release/qq .build/deb)"

clean:
	$(SWIFT) package clean
