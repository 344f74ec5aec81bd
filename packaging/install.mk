# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall: the Makefile includes this.
#
# DESTDIR stands before every path, PREFIX before those of the program. A text that is installed gets the paths of this
# installation in the place of the usual ones, so the files of the tree can be read and checked as they are.

DESTDIR       ?=
PREFIX        ?= /usr
# In everybody's PATH: `thermograf check` needs no root.
bindir        ?= $(PREFIX)/bin
probesdir     ?= $(PREFIX)/lib/thermograf/probes
sysconfdir    ?= /etc
datadir       ?= $(PREFIX)/share
includedir    ?= $(PREFIX)/include
mandir        ?= $(datadir)/man
docdir        ?= $(datadir)/doc/thermograf
completiondir ?= $(datadir)/bash-completion/completions
# systemd looks below /usr/lib and /usr/local/lib.
unitdir       ?= $(PREFIX)/lib/systemd/system
sysusersdir   ?= $(PREFIX)/lib/sysusers.d
tmpfilesdir   ?= $(PREFIX)/lib/tmpfiles.d

PLACES = -e 's|/usr/bin/thermograf|$(bindir)/thermograf|g' -e 's|/usr/lib/thermograf/probes|$(probesdir)|g' \
         -e 's|/etc/thermograf|$(sysconfdir)/thermograf|g' -e 's|/usr/share/doc/thermograf|$(docdir)|g' \
         -e 's|/usr/include/thermograf|$(includedir)/thermograf|g'

# One object has them compiled in, and is made anew when they change.
$(O)/places: FORCE
	$(Q)mkdir -p $(@D) && echo '$(sysconfdir) $(probesdir)' | cmp -s - $@ || echo '$(sysconfdir) $(probesdir)' >$@
$(O)/lib/paths.o: $(O)/places
$(O)/lib/paths.o: CPPFLAGS += -DPATHS_SYSCONFDIR='"$(sysconfdir)"' -DPATHS_PROBESDIR='"$(probesdir)"'
.PHONY: FORCE

# Pairs of what is installed and where, joined by "=>".
into = $(foreach file,$(2),$(file)=>$(1)/$(notdir $(file)))
# Below conf/, with their folders; not what an editor leaves there.
CONF_EXAMPLES := $(sort $(foreach suffix,md conf json yaml,$(wildcard conf/*/*.$(suffix) conf/*/*/*.$(suffix) conf/*/*/*/*.$(suffix))))

INSTALL_PROGRAMS = $(call into,$(bindir),$(O)/thermograf)
INSTALL_FILES = $(call into,$(probesdir),$(PROBES:%=$(O)/probes/%.bpf.o) $(PROBES:%=$(O)/probes/%.ini)) \
	$(call into,$(includedir)/thermograf,$(wildcard bpf/*.bpf.h)) \
	$(call into,$(docdir),LICENSE $(wildcard bpf/LICENSE.*))
INSTALL_TEXTS = $(foreach page,$(MAN_PAGES),$(call into,$(mandir)/man$(subst .,,$(suffix $(page))),$(page))) \
	$(call into,$(unitdir),packaging/systemd/thermograf.service) \
	$(call into,$(sysusersdir),packaging/systemd/sysusers.d/thermograf.conf) \
	$(call into,$(tmpfilesdir),packaging/systemd/tmpfiles.d/thermograf.conf) \
	$(call into,$(completiondir),$(wildcard packaging/completion/*)) \
	$(call into,$(docdir),README.md CHANGELOG.md) \
	$(call into,$(docdir)/examples,conf/thermograf.ini) \
	$(call into,$(docdir)/examples/systemd,$(wildcard packaging/systemd/examples/*)) \
	$(foreach file,$(CONF_EXAMPLES),$(file)=>$(docdir)/examples/$(file:conf/%=%))
INSTALLED = $(INSTALL_PROGRAMS) $(INSTALL_FILES) $(INSTALL_TEXTS)

# What nobody else has anything in.
OWN_FOLDERS = $(probesdir) $(patsubst %/,%,$(dir $(probesdir))) $(includedir)/thermograf $(docdir)

.PHONY: install uninstall
install: all ## to DESTDIR, below PREFIX (/usr); a configuration that is there stays
	$(Q)for pair in $(patsubst %,'%',$(INSTALL_PROGRAMS)); do install -D -m 755 "$${pair%=>*}" "$(DESTDIR)$${pair#*=>}" || exit 1; done
	$(Q)for pair in $(patsubst %,'%',$(INSTALL_FILES)); do install -D -m 644 "$${pair%=>*}" "$(DESTDIR)$${pair#*=>}" || exit 1; done
	$(Q)for pair in $(patsubst %,'%',$(INSTALL_TEXTS)); do \
		to="$(DESTDIR)$${pair#*=>}"; install -d "$${to%/*}" && sed $(PLACES) "$${pair%=>*}" >"$$to" && chmod 644 "$$to" || exit 1; \
	done
	$(Q)install -d $(addprefix '$(DESTDIR)$(sysconfdir)'/thermograf/,conf.d probes.d)
	$(Q)to='$(DESTDIR)$(sysconfdir)/thermograf/thermograf.ini'; [ -e "$$to" ] || install -m 644 conf/thermograf.ini "$$to"
	@[ -n '$(DESTDIR)' ] || printf '%s\n' 'Installed. With systemd, next:' \
		'  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload' \
		'  thermograf check && systemctl enable --now thermograf'

uninstall: ## what install put there; configuration that was changed stays, and so does /var/lib/thermograf
	$(Q)for pair in $(patsubst %,'%',$(INSTALLED)); do rm -f "$(DESTDIR)$${pair#*=>}" || exit 1; done
	$(Q)find $(OWN_FOLDERS:%='$(DESTDIR)%') -depth -type d -empty -delete 2>/dev/null || :
	$(Q)ini='$(DESTDIR)$(sysconfdir)/thermograf/thermograf.ini'; ! cmp -s conf/thermograf.ini "$$ini" || rm "$$ini"
	$(Q)rmdir $(addprefix '$(DESTDIR)$(sysconfdir)'/thermograf,/conf.d /probes.d) 2>/dev/null || :
	$(Q)rmdir '$(DESTDIR)$(sysconfdir)/thermograf' 2>/dev/null || :
