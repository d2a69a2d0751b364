# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for attgate(8)

# What each subcommand takes, as `attgate help NAME` has it.
_attgate_options() { # SUBCOMMAND
	case $1 in
	run)
		echo --controller --host --rules --shadow --dry-run --once --allow-remote --verbose --btmon --record \
			--record-size --record-count --control --control-group --metrics-file --state-dir --keep-identities --help
		;;
	check) echo --print ;;
	describe) ;;
	replay) echo --rules --json --write --index --against ;;
	explain) echo --index --json --suggest ;;
	status) echo --openmetrics --control --json --help ;;
	attributes | links | rules | reload) echo --control --json --help ;;
	trace) echo --filter --from-start --control --json --help ;;
	record) echo --size --count --control --json --redact --no-redact --help ;;
	esac
}

_attgate_controllers() {
	local path
	for path in /sys/class/bluetooth/hci* /run/attgate/*.sock; do
		[ -e "$path" ] || continue
		path=${path##*/}
		path=${path%.sock}
		[[ $path == *:* ]] || echo "$path"
	done
}

# Whose database a running attgate knows.
_attgate_databases() {
	attgate attributes 2> /dev/null | grep -o -i -E '^([0-9a-f]{2}:){5}[0-9a-f]{2}'
	echo local
}

# Words with colons, at which bash cuts what is typed: it wants only what follows the last one.
_attgate_whole_word() { # WORDS
	local word=${COMP_LINE:0:COMP_POINT}
	word=${word##*[[:space:]]}
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
	[[ $COMP_WORDBREAKS != *:* ]] || COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*:}"}"}")
}

# The value of an option; false where it has none.
_attgate_value() { # OPTION WORD
	case $1 in
	--rules | --shadow | --against | --write | --suggest | --record | --control | --metrics-file | --state-dir)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	--controller) mapfile -t COMPREPLY < <(compgen -W "$(_attgate_controllers) unix: tcp:" -- "$2") ;;
	--host) mapfile -t COMPREPLY < <(compgen -W 'vhci unix: unix-listen: tcp: tcp-listen:' -- "$2") ;;
	--control-group) mapfile -t COMPREPLY < <(compgen -g -- "$2") ;;
	--btmon) mapfile -t COMPREPLY < <(compgen -W 'all on off' -- "$2") ;;
	--index | --filter | --record-size | --record-count | --size | --count) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

# What stands without an option.
_attgate_argument() { # SUBCOMMAND WORD
	case $1 in
	check | replay | explain)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	describe) mapfile -t COMPREPLY < <(compgen -W "$(attgate describe 2> /dev/null | cut -d ' ' -f 1)" -- "$2") ;;
	attributes) _attgate_whole_word "$(_attgate_databases) $(_attgate_controllers)" ;;
	status | links | rules | trace | reload)
		mapfile -t COMPREPLY < <(compgen -W "$(_attgate_controllers)" -- "$2")
		;;
	record)
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			[ "$COMP_CWORD" -eq 2 ] && compgen -W 'start stop rotate export' -- "$2"
			[ "$COMP_CWORD" -gt 2 ] && compgen -f -- "$2"
		)
		;;
	help) mapfile -t COMPREPLY < <(compgen -W "$_attgate_commands" -- "$2") ;;
	esac
}

_attgate_commands='run check describe replay explain status links attributes rules trace reload record help'

_attgate() {
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$_attgate_commands --version" -- "$word")
	elif _attgate_value "${COMP_WORDS[COMP_CWORD - 1]}" "$word"; then
		:
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_attgate_options "$command")" -- "$word")
	else
		_attgate_argument "$command" "$word"
	fi
}

complete -F _attgate attgate
