# SPDX-License-Identifier: Apache-2.0
# fish completion for weir
function __weir_services
    weir services -o json 2>/dev/null | string match -rg '^ *"name": "(.*)",?$' | sort -u
end
complete -c weir -f
set -l commands status check services endpoints edges explain top flows connections sysdump validate diff apply rollback config hosts eject restore off on uninstall version
complete -c weir -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c weir -n "__fish_seen_subcommand_from services endpoints edges explain config eject restore off on" -a "(__weir_services)"
complete -c weir -n "__fish_seen_subcommand_from validate diff apply" -F
complete -c weir -n "__fish_seen_subcommand_from apply rollback" -l timeout -x -d "seconds to wait"
complete -c weir -n "__fish_seen_subcommand_from rollback" -l list -d "which there are"
complete -c weir -n "__fish_seen_subcommand_from off eject" -l for -x -d "how long"
complete -c weir -n "__fish_seen_subcommand_from top" -l by -x -a "service workload endpoint" -d "rows"
complete -c weir -n "__fish_seen_subcommand_from top" -l sort -x -a "connects failures p50 p99 rtt bytes retrans name" -d "the most first"
complete -c weir -n "__fish_seen_subcommand_from edges" -l unmanaged -d "connects that go to no service"
complete -c weir -n "__fish_seen_subcommand_from explain" -l window -x -d "of the next seconds"
complete -c weir -n "__fish_seen_subcommand_from top" -l window -x -d "what a row is of"
complete -c weir -n "__fish_seen_subcommand_from top" -l once -d "one window, then the end"
complete -c weir -n "__fish_seen_subcommand_from flows connections" -l workload -x -d "only of this caller"
complete -c weir -n "__fish_seen_subcommand_from flows connections" -l service -x -a "(__weir_services)" -d "only to it"
complete -c weir -n "__fish_seen_subcommand_from flows connections" -l endpoint -x -d "only to it"
complete -c weir -n "__fish_seen_subcommand_from flows" -l verdict -x -a "opened failed closed ejected half-open restored panic" -d "only those"
complete -c weir -n "__fish_seen_subcommand_from flows" -l reason -x -d "why it failed"
complete -c weir -n "__fish_seen_subcommand_from flows" -l slower-than -x -d "only slower ones"
complete -c weir -n "__fish_seen_subcommand_from flows" -l since -x -d "all since then"
complete -c weir -n "__fish_seen_subcommand_from flows" -l last -x -d "so many"
complete -c weir -n "__fish_seen_subcommand_from flows" -s f -l follow -d "go on as they come"
complete -c weir -n "__fish_seen_subcommand_from sysdump" -F
complete -c weir -n "__fish_seen_subcommand_from uninstall" -l verify -d "look for what is left"
complete -c weir -s o -l output -x -a "table wide json yaml" -d "how the answer is printed"
for flag in config mesh state bpffs socket cgroup
    complete -c weir -l $flag -r
end
