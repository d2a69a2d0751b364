# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for attgate(8)

function __attgate_controllers
    for path in /sys/class/bluetooth/hci* /run/attgate/*.sock
        string match -r -v : (basename $path .sock)
    end
end

# Whose database a running attgate knows.
function __attgate_databases
    echo local
    attgate attributes 2>/dev/null | string match -r -i '^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}'
end

function __attgate_names
    attgate describe 2>/dev/null | cut -d ' ' -f 1
end

complete -c attgate -f
complete -c attgate -n __fish_use_subcommand -l version -d 'the version'
complete -c attgate -n __fish_use_subcommand -a run -d 'stand between a controller and the host, and judge'
complete -c attgate -n __fish_use_subcommand -a check -d 'look for errors in rule files'
complete -c attgate -n __fish_use_subcommand -a describe -d 'say what a field, verdict, opcode, error or UUID is'
complete -c attgate -n __fish_use_subcommand -a replay -d 'judge a recording by the rules'
complete -c attgate -n __fish_use_subcommand -a explain -d 'tell what went wrong in a recording'
complete -c attgate -n __fish_use_subcommand -a status -d 'what a running attgate has done so far'
complete -c attgate -n __fish_use_subcommand -a links -d 'the links of a running attgate'
complete -c attgate -n __fish_use_subcommand -a attributes -d 'what a running attgate knows of the databases of peers'
complete -c attgate -n __fish_use_subcommand -a rules -d 'the rules that a running attgate has in force'
complete -c attgate -n __fish_use_subcommand -a trace -d 'watch what a running attgate decides'
complete -c attgate -n __fish_use_subcommand -a reload -d 'have a running attgate read its rules again'
complete -c attgate -n __fish_use_subcommand -a record -d 'record what passes, or export a recording'
complete -c attgate -n __fish_use_subcommand -a help -d 'the list of commands, or the options of one'

complete -c attgate -n '__fish_seen_subcommand_from run' -l controller -x -a '(__attgate_controllers)' -d 'hciN, BD_ADDR or stream'
complete -c attgate -n '__fish_seen_subcommand_from run' -l host -x -a 'vhci unix: unix-listen: tcp: tcp-listen:' -d 'vhci or stream'
complete -c attgate -n '__fish_seen_subcommand_from run' -l rules -r -d 'rule file or directory'
complete -c attgate -n '__fish_seen_subcommand_from run' -l shadow -r -d 'rules that judge too, and change nothing'
complete -c attgate -n '__fish_seen_subcommand_from run' -l dry-run -d 'decide, but change nothing'
complete -c attgate -n '__fish_seen_subcommand_from run' -l once -d 'end when a side goes away'
complete -c attgate -n '__fish_seen_subcommand_from run' -l allow-remote -d 'let tcp-listen be open to more than this machine'
complete -c attgate -n '__fish_seen_subcommand_from run' -l verbose -d 'log every decision'
complete -c attgate -n '__fish_seen_subcommand_from run' -l btmon -x -a 'all on off' -d 'show btmon what is decided'
complete -c attgate -n '__fish_seen_subcommand_from run' -l record -r -d 'record both sides and the decisions'
complete -c attgate -n '__fish_seen_subcommand_from run' -l record-size -x -d 'octets of each file'
complete -c attgate -n '__fish_seen_subcommand_from run' -l record-count -x -d 'how many files to keep'
complete -c attgate -n '__fish_seen_subcommand_from run' -l control -r -d 'where to listen'
complete -c attgate -n '__fish_seen_subcommand_from run' -l control-group -x -a '(__fish_complete_groups)' -d 'who may ask'
complete -c attgate -n '__fish_seen_subcommand_from run' -l metrics-file -r -d 'counters in the OpenMetrics format'
complete -c attgate -n '__fish_seen_subcommand_from run' -l state-dir -r -d 'where to keep what is learned of peers'
complete -c attgate -n '__fish_seen_subcommand_from run' -l keep-identities -d 'keep there too by which key a peer is known again'
complete -c attgate -n '__fish_seen_subcommand_from run' -l help -d 'the options'

complete -c attgate -n '__fish_seen_subcommand_from check' -l print -d 'write the rules in canonical form'
complete -c attgate -n '__fish_seen_subcommand_from check' -F

complete -c attgate -n '__fish_seen_subcommand_from describe' -a '(__attgate_names)'

complete -c attgate -n '__fish_seen_subcommand_from replay' -l rules -r -d 'rules to judge by'
complete -c attgate -n '__fish_seen_subcommand_from replay' -l json -d 'one JSON object a line'
complete -c attgate -n '__fish_seen_subcommand_from replay' -l write -r -d 'what the controller side would have seen'
complete -c attgate -n '__fish_seen_subcommand_from replay' -l index -x -d 'the controller'
complete -c attgate -n '__fish_seen_subcommand_from replay' -l against -r -d 'rules to compare with'
complete -c attgate -n '__fish_seen_subcommand_from replay' -F

complete -c attgate -n '__fish_seen_subcommand_from explain' -l index -x -d 'the controller'
complete -c attgate -n '__fish_seen_subcommand_from explain' -l json -d 'one JSON object a line'
complete -c attgate -n '__fish_seen_subcommand_from explain' -l suggest -r -d 'write the rules that prevent it'
complete -c attgate -n '__fish_seen_subcommand_from explain' -F

complete -c attgate -n '__fish_seen_subcommand_from status' -l openmetrics -d 'counters in the OpenMetrics format'
complete -c attgate -n '__fish_seen_subcommand_from status' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from status' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from status' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from status' -a '(__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from links' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from links' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from links' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from links' -a '(__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from attributes' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from attributes' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from attributes' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from attributes' -a '(__attgate_databases) (__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from rules' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from rules' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from rules' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from rules' -a '(__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from trace' -l filter -x -d 'only those for which it holds'
complete -c attgate -n '__fish_seen_subcommand_from trace' -l from-start -d 'begin with the last decisions'
complete -c attgate -n '__fish_seen_subcommand_from trace' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from trace' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from trace' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from trace' -a '(__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from reload' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from reload' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from reload' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from reload' -a '(__attgate_controllers)'

complete -c attgate -n '__fish_seen_subcommand_from record' -l size -x -d 'octets of each file'
complete -c attgate -n '__fish_seen_subcommand_from record' -l count -x -d 'how many files to keep'
complete -c attgate -n '__fish_seen_subcommand_from record' -l control -r -d 'the socket'
complete -c attgate -n '__fish_seen_subcommand_from record' -l json -d 'one line of JSON'
complete -c attgate -n '__fish_seen_subcommand_from record' -l redact -d 'blank keys, names and addresses'
complete -c attgate -n '__fish_seen_subcommand_from record' -l no-redact -d 'leave everything as it is'
complete -c attgate -n '__fish_seen_subcommand_from record' -l help -d 'the options'
complete -c attgate -n '__fish_seen_subcommand_from record' -F -a 'start stop rotate export'

complete -c attgate -n '__fish_seen_subcommand_from help' -a 'run check describe replay explain status links attributes rules trace reload record help'
