# SPDX-License-Identifier: Apache-2.0
#
# keys.awk: puts the keys that `thermograf check --defaults` prints into a page, so that page and program cannot
# disagree: awk -f keys.awk DEFAULTS PAGE.in. A line ".\" KEYS SECTION" of the page becomes a list of that section's
# keys: name and default, what it does, and what its value may be. A line of a page's source holds one sentence.

# What mdoc would take for its own.
function plain(text) {
	gsub(/\\/, "\\e", text)
	gsub(/"/, "\\(dq", text)
	return text
}

# A sentence begins a line in a page's source.
function prose(text) {
	text = plain(text)
	gsub(/[.] /, ".\n", text)
	return text (text ~ /[.]$/ ? "" : ".") "\n"
}

# A key that stands for many, as any tag and header.X-Scope-OrgID.
function stands_for_many(key) {
	return section == "global_tags" || key ~ /[.]/
}

function item(key, value) {
	if (section == "global_tags")
		return ".It Ar NAME\n"
	if (stands_for_many(key))
		return ".It Ic " substr(key, 1, index(key, ".")) " Ns Ar NAME\n"
	return ".It Ic " key (value == "" ? "" : " No = " plain(value)) "\n"
}

FNR == NR && /^;?\[[a-z]+/ {
	section = $0
	gsub(/[;[]|[].].*/, "", section)
	doc = form = ""
	next
}

# A key's lines: what it does, what its value may be, and ";key = default".
FNR == NR && /^; / {
	if (doc == "")
		doc = substr($0, 3)
	else
		form = substr($0, 3)
	next
}

FNR == NR && /^;[^ ]+ =/ && form != "" {
	at = index($0, " =")
	key = substr($0, 2, at - 2)
	keys[section] = keys[section] item(key, substr($0, at + 3)) prose(doc) \
		(form == "text" ? "" : "(" plain(form) ")\n") \
		(stands_for_many(key) ? "For example:\n.Ql " plain(substr($0, 2)) "\n" : "")
	doc = form = ""
	next
}

FNR == NR {
	doc = form = ""
	next
}

/^\.\\" KEYS / {
	if (!($3 in keys)) {
		print FILENAME ": no section " $3 > "/dev/stderr"
		exit 1
	}
	printf ".Bl -tag -width Ds\n%s.El\n", keys[$3]
	used[$3]
	next
}

{ print }

END {
	for (name in keys)
		if (!(name in used)) {
			print FILENAME ": keys of section " name " are in no list" > "/dev/stderr"
			exit 1
		}
}
