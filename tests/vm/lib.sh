# SPDX-License-Identifier: GPL-2.0-or-later
# What the host-side scripts of the virtual machine share. Sourced by bash.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-build}
[[ $build == /* ]] || build=$top/$build
suite=${SUITE:-trixie}
vm=$top/build/vm
image=$vm/$suite
results=${RESULTS:-$vm/results}

# What a scenario is told: a seed and seconds of fuzzing, rounds of faults, bluetoothd's option for its
# debug log.
SEED=${SEED:-1} FOR=${FOR:-30} FAULTS=${FAULTS:-3} DEBUG=${DEBUG--d}

started=$EPOCHSECONDS

# plays_on FILE RELEASE: whether that scenario can be played there; few say that it cannot everywhere.
plays_on() {
	! grep -q '^suites=' "$1" || grep -qE "^suites=\"(.* )?$2( .*)?\"\$" "$1"
}

# One line of progress, with the seconds since this script began.
say() {
	printf '+%d s: %s\n' $((EPOCHSECONDS - started)) "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# What a guest shares with its host: $share, until this script ends. It is locked as long as anybody
# uses it; what an interrupted run left is not, and goes.
make_share() {
	local old

	for old in "$vm"/share.*; do
		if [[ -d $old ]]; then
			flock -n "$old" rm -rf "$old" || true
		fi
	done
	until share=$(mktemp -d "$vm/share.XXXXXX") && exec 9<"$share" && flock 9 && [[ -d $share ]]; do
		exec 9<&-
	done
	trap 'rm -rf "$share"' EXIT
}

# need PROGRAM=PACKAGE...: install the packages of those programs that are missing, by apt, and say so.
need() {
	local pair missing=()

	for pair in "$@"; do
		[[ $pair == /* && -e ${pair%%=*} ]] && continue
		PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
	done
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null || die "missing and no apt-get to install them: ${missing[*]}"
	[[ $(id -u) == 0 ]] || die "missing; install them as root: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" \
		>"$top/build/apt.log" 2>&1 || die "apt-get failed: $(tail -3 "$top/build/apt.log")"
}
